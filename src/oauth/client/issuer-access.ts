import type { AuthorizationServer } from 'oauth4webapi'
import {
  type AddressGuard,
  createGuardedFetch,
  type GuardedFetch,
  type ResolveAddresses,
  requireAllowedUrl,
} from '../../lib/guarded-fetch.ts'
import { type AddressZone, zoneOfHost } from '../../lib/hosts.ts'
import { quoted } from '../../lib/printable.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import { discoverIssuer, discoverResource, type ProtectedResource } from './discovery.ts'
import { registerAtIssuer } from './registration.ts'
import { asUpstreamAuthError, UpstreamAuthError } from './upstream-auth-error.ts'
import type { ClientIdentity, ProtectedUpstream, UpstreamGrants } from './upstream-grants.ts'

/** Longest a single request to an authorization server may take, ms. */
const requestMs = 15_000

/** Our own addresses that an authorization server or a browser gets to see. */
export interface ClientUrls {
  readonly redirectUri: string
  /** Where our client metadata document is served; undefined unless issuers can fetch it. */
  readonly clientMetadata: string | undefined
}

interface IssuerAccessOptions {
  readonly grants: UpstreamGrants
  /** Opens connections to a server and its issuer; without it, as Node does by itself. */
  readonly connections?: UpstreamConnections
  readonly now: () => number
  readonly resolve?: ResolveAddresses
}

export type IssuerAccess = ReturnType<typeof createIssuerAccess>

/** Discovery and registration for one server after the other. */
export function createIssuerAccess(options: IssuerAccessOptions) {
  const { grants } = options

  function fetchFor(upstream: ProtectedUpstream): GuardedFetch {
    const { connections, resolve } = options
    const fetch = createGuardedFetch({
      ...guardOf(upstream),
      timeoutMs: requestMs,
      ...(connections && { via: { server: upstream.name, connections } }),
      ...(resolve && { resolve }),
    })
    return (url, init) =>
      fetch(url, init).catch((error) => {
        throw asUpstreamAuthError(error)
      })
  }

  /** Configured credentials go to one issuer only, whatever the server says later (SEP-2352). */
  async function boundIssuer(upstream: ProtectedUpstream): Promise<string | undefined> {
    const { issuer, clientId } = upstream.auth
    if (issuer !== undefined || clientId === undefined) return issuer
    return grants.pinnedIssuer(upstream)
  }

  return {
    fetchFor,
    resource: (
      upstream: ProtectedUpstream,
      resourceMetadata: string | undefined,
    ): Promise<ProtectedResource> =>
      discoverResource(fetchFor(upstream), upstream.url, resourceMetadata),
    /** The metadata of the issuer to use for a server. @throws UpstreamAuthError issuer-changed */
    async issuer(
      upstream: ProtectedUpstream,
      { issuers }: ProtectedResource,
    ): Promise<AuthorizationServer> {
      const bound = await boundIssuer(upstream)
      const chosen = issuers.find((issuer) => bound === undefined || isSameIssuer(issuer, bound))
      if (chosen === undefined) throw issuerChanged(upstream, bound, issuers[0])
      return discoverIssuer(fetchFor(upstream), chosen)
    },
    /** Who we are at an issuer: configured, a metadata document, or registered now; in that order. */
    async client(
      upstream: ProtectedUpstream,
      metadata: AuthorizationServer,
      { redirectUri, clientMetadata }: ClientUrls,
    ): Promise<ClientIdentity> {
      const { issuer } = metadata
      const { clientId, clientSecret } = upstream.auth
      if (clientId !== undefined) {
        await grants.pinIssuer(upstream, issuer)
        const secret = clientSecret !== undefined && { clientSecret }
        return { kind: 'configured', issuer, redirectUri, clientId, ...secret }
      }
      if (metadata.client_id_metadata_document_supported === true && clientMetadata) {
        return { kind: 'metadata-document', issuer, redirectUri, clientId: clientMetadata }
      }
      const known = await grants.client(issuer, redirectUri)
      const isOver = known?.expiresAt !== undefined && known.expiresAt <= options.now()
      if (known && !isOver) return known
      const client = await registerAtIssuer(fetchFor(upstream), metadata, redirectUri)
      await grants.saveClient(client)
      return client
    },
  }
}

/** What may be contacted because a server's metadata says so. */
export function guardOf({ url, auth }: ProtectedUpstream): AddressGuard {
  return {
    serverUrl: url,
    zones: allowedZones(url, auth),
    named: 'the server named for its authorization',
    hint: 'OAuth needs https, except on this machine, and a public server may not point into your network. If the server is in your own network, set "allowPrivateNetwork" in its "auth" in the configuration file.',
  }
}

/**
 * Where the metadata of a configured server may lead: never further in than the server itself is.
 * Decided by the address the user wrote; what DNS says about a name is under its owner's control.
 */
function allowedZones(
  serverUrl: string,
  options: { allowPrivateNetwork: boolean },
): ReadonlySet<AddressZone> {
  const zone = zoneOfHost(new URL(serverUrl).hostname) ?? 'public'
  const zones = new Set<AddressZone>(['public', zone])
  if (zone === 'loopback' || options.allowPrivateNetwork) zones.add('private')
  return zones
}

/** Resource metadata often has a slash at the end that the issuer itself does not have. */
export function isSameIssuer(one: string, other: string): boolean {
  return URL.parse(one)?.href === URL.parse(other)?.href
}

function issuerChanged(
  { name }: ProtectedUpstream,
  expected: string | undefined,
  now: string | undefined,
): UpstreamAuthError {
  return new UpstreamAuthError(
    'issuer-changed',
    `The server ${JSON.stringify(name)} now names the authorization server ${quoted(now)}; its client was made for ${quoted(expected)} and was not used elsewhere.`,
    {
      hint: 'If that is right, set "issuer" and the new "clientId" in the server\'s "auth" in the configuration file.',
    },
  )
}

/**
 * Checks that a login may use an issuer: its endpoints, the one the browser goes to included, and
 * PKCE. @throws UpstreamAuthError address-refused, answer-invalid or pkce-unsupported
 */
export function requireUsableIssuer(issuer: AuthorizationServer, guard: AddressGuard): void {
  for (const name of ['authorization_endpoint', 'token_endpoint'] as const) {
    const url = URL.parse(issuer[name] ?? '')
    if (!url) {
      const message = `The metadata of ${quoted(issuer.issuer)} has no "${name}".`
      throw new UpstreamAuthError('answer-invalid', message)
    }
    try {
      requireAllowedUrl(url, guard)
    } catch (error) {
      throw asUpstreamAuthError(error)
    }
  }
  // MCP 2026-07-28: a client refuses an issuer that does not announce S256 (RFC 7636 4.2).
  if (issuer.code_challenge_methods_supported?.includes('S256')) return
  throw new UpstreamAuthError(
    'pkce-unsupported',
    `The authorization server ${quoted(issuer.issuer)} does not announce PKCE with S256, so a login there would not be safe.`,
    { hint: 'Ask its operator to add "code_challenge_methods_supported": ["S256"].' },
  )
}
