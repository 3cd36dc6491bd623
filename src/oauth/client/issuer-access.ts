import type { AuthorizationServer } from 'oauth4webapi'
import { type AddressZone, zoneOfHost } from '../../lib/address-zone.ts'
import {
  type AddressGuard,
  createGuardedFetch,
  type GuardedFetch,
  type ResolveAddresses,
} from '../../lib/guarded-fetch.ts'
import { quoted } from '../../lib/printable.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import { discoverIssuer, discoverResource, type ProtectedResource } from './discovery.ts'
import type { GrantStore } from './grant-store.ts'
import { registerClient } from './registration.ts'
import { asUpstreamAuthError, UpstreamAuthError } from './upstream-auth-error.ts'
import type { OAuthClient, ProtectedUpstream } from './upstream-client.ts'

/** Longest a single request to an authorization server may take, ms. */
const requestMs = 15_000

/** Our own addresses that an authorization server or a browser gets to see. */
export interface ClientUrls {
  readonly redirectUri: string
  /** Where our client metadata document is served; undefined unless issuers can fetch it. */
  readonly clientMetadata: string | undefined
}

export interface IssuerAccessOptions {
  readonly grants: GrantStore
  /** Opens connections to a server and its issuer; without it, as Node does by itself. */
  readonly connections?: UpstreamConnections
  readonly now: () => number
  readonly resolve?: ResolveAddresses
}

/** Discovery and registration for one server after the other. */
export interface IssuerAccess {
  fetchFor(upstream: ProtectedUpstream): GuardedFetch
  resource(
    upstream: ProtectedUpstream,
    resourceMetadata: string | undefined,
  ): Promise<ProtectedResource>
  /** The metadata of the issuer to use for a server. @throws UpstreamAuthError issuer-changed */
  issuer(upstream: ProtectedUpstream, resource: ProtectedResource): Promise<AuthorizationServer>
  /** Who we are at an issuer: configured, a metadata document, or registered now; in that order. */
  client(
    upstream: ProtectedUpstream,
    issuer: AuthorizationServer,
    urls: ClientUrls,
  ): Promise<OAuthClient>
}

export function createIssuerAccess(options: IssuerAccessOptions): IssuerAccess {
  const { grants } = options
  const access: IssuerAccess = {
    fetchFor(upstream) {
      const fetch = createGuardedFetch({
        ...guardOf(upstream),
        timeoutMs: requestMs,
        ...(options.connections && {
          via: { server: upstream.name, connections: options.connections },
        }),
        ...(options.resolve && { resolve: options.resolve }),
      })
      return (url, init) =>
        fetch(url, init).catch((error) => {
          throw asUpstreamAuthError(error)
        })
    },
    resource: (upstream, resourceMetadata) =>
      discoverResource(access.fetchFor(upstream), upstream.url, resourceMetadata),
    async issuer(upstream, { issuers }) {
      const bound = await boundIssuer(upstream)
      const chosen = issuers.find((issuer) => bound === undefined || isSameIssuer(issuer, bound))
      if (chosen === undefined) throw issuerChanged(upstream, bound, issuers[0])
      return discoverIssuer(access.fetchFor(upstream), chosen)
    },
    async client(upstream, issuer, urls) {
      if (upstream.auth.clientId !== undefined) {
        await grants.pinIssuer(upstream, issuer.issuer)
        return configuredClient(upstream, issuer, urls)
      }
      if (issuer.client_id_metadata_document_supported === true && urls.clientMetadata) {
        const { redirectUri, clientMetadata } = urls
        return {
          kind: 'metadata-document',
          issuer: issuer.issuer,
          redirectUri,
          clientId: clientMetadata,
        }
      }
      const known = await grants.client(issuer.issuer, urls.redirectUri)
      const isOver = known?.expiresAt !== undefined && known.expiresAt <= options.now()
      if (known && !isOver) return known
      const client = await registerClient(access.fetchFor(upstream), issuer, urls.redirectUri)
      await grants.saveClient(client)
      return client
    },
  }

  /** Configured credentials go to one issuer only, whatever the server says later (SEP-2352). */
  async function boundIssuer(upstream: ProtectedUpstream): Promise<string | undefined> {
    const { issuer, clientId } = upstream.auth
    if (issuer !== undefined || clientId === undefined) return issuer
    return grants.pinnedIssuer(upstream)
  }

  return access
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
export function allowedZones(
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

function configuredClient(
  { auth }: ProtectedUpstream,
  issuer: AuthorizationServer,
  { redirectUri }: ClientUrls,
): OAuthClient {
  return {
    kind: 'configured',
    issuer: issuer.issuer,
    redirectUri,
    clientId: auth.clientId ?? '',
    ...(auth.clientSecret !== undefined && { clientSecret: auth.clientSecret }),
  }
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
