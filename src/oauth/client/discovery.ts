import { type AuthorizationServer, processDiscoveryResponse } from 'oauth4webapi'
import { messageOf, UserError } from '../../errors.ts'
import type { GuardedFetch } from '../../lib/guarded-fetch.ts'
import { quoted } from '../../lib/printable.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'

/** What a protected server says about itself. */
export interface ProtectedResource {
  /** Sent as `resource` with every request (RFC 8707). */
  readonly resource: string
  readonly issuers: readonly string[]
  readonly scopes: readonly string[] | undefined
}

/**
 * Finds a server's protected resource metadata: where its challenge says, then at the well-known
 * addresses. A server without any is its own issuer, as in MCP 2025-03-26.
 * @throws UpstreamAuthError resource-mismatch when the metadata speaks for another server, and what
 * the fetch throws
 */
export async function discoverResource(
  fetch: GuardedFetch,
  serverUrl: string,
  resourceMetadata: string | undefined,
): Promise<ProtectedResource> {
  const named = URL.parse(resourceMetadata ?? '')?.href
  const urls = [...(named === undefined ? [] : [named]), ...resourceMetadataUrls(serverUrl)]
  const found = await firstAnswer(fetch, urls, async (response) =>
    readResourceMetadata(await response.json()),
  )
  if (!found.ok) {
    // Absent is one thing, out of reach another: a login is not moved elsewhere for an outage.
    if (found.failure instanceof UserError) throw found.failure
    const { origin } = new URL(serverUrl)
    return { resource: canonicalResource(serverUrl), issuers: [origin], scopes: undefined }
  }
  const { resource, issuers, scopes } = found.value
  if (!isResourceOf(serverUrl, resource)) {
    throw new UpstreamAuthError(
      'resource-mismatch',
      `The metadata of ${serverUrl} is about another resource, ${quoted(resource)}, so no login was started.`,
      {
        hint: 'The server is set up for another address. Correct its public address, or its "url" in the configuration file.',
      },
    )
  }
  return { resource, issuers: issuers ?? [new URL(serverUrl).origin], scopes }
}

/**
 * Fetches an authorization server's metadata, which must name exactly this issuer (RFC 8414 3.3).
 * @throws UpstreamAuthError no-metadata or issuer-mismatch
 */
export async function discoverIssuer(
  fetch: GuardedFetch,
  issuer: string,
): Promise<AuthorizationServer> {
  const url = URL.parse(issuer)
  // RFC 8414 2: an issuer has neither query nor fragment.
  if (url?.search !== '' || url.hash !== '') {
    throw noMetadata(issuer, 'it is not a valid issuer')
  }
  const found = await firstAnswer(fetch, issuerMetadataUrls(issuer), (response) =>
    processDiscoveryResponse(url, response),
  )
  if (found.ok) return found.value
  const { failure } = found
  if (failure instanceof UserError) throw failure
  if (!isIssuerMismatch(failure)) {
    throw noMetadata(issuer, failure === undefined ? undefined : messageOf(failure), failure)
  }
  throw new UpstreamAuthError(
    'issuer-mismatch',
    `The metadata found for ${quoted(issuer)} names another issuer, so it was not used.`,
    { hint: 'The authorization server is set up for another public address.', cause: failure },
  )
}

type FirstAnswer<T> = { ok: true; value: T } | { ok: false; failure: unknown }

/** The first address with a usable answer; else the first failure that is more than "not found". */
async function firstAnswer<T>(
  fetch: GuardedFetch,
  urls: readonly string[],
  read: (response: Response) => Promise<T>,
): Promise<FirstAnswer<T>> {
  let failure: unknown
  for (const url of new Set(urls)) {
    try {
      const response = await fetch(url, { headers: { accept: 'application/json' }, follow: true })
      if (response.status === 200) return { ok: true, value: await read(response) }
      if (response.status >= 500) failure ??= faulty(url, response)
    } catch (error) {
      failure ??= error
    }
  }
  return { ok: false, failure }
}

function faulty(url: string, { status }: Response): UpstreamAuthError {
  const message = `${quoted(url)} answered HTTP ${status}.`
  return new UpstreamAuthError('unreachable', message, { hint: 'Try again later.' })
}

/** RFC 9728 section 2, as far as it is used. */
function readResourceMetadata(document: unknown) {
  const { resource, authorization_servers, scopes_supported } = document as Record<string, unknown>
  if (typeof resource !== 'string') throw new Error('"resource" must be a string')
  const issuers = strings(authorization_servers)
  return {
    resource,
    issuers: issuers && issuers.length > 0 ? issuers : undefined,
    scopes: strings(scopes_supported),
  }
}

function strings(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value.filter((item): item is string => typeof item === 'string').slice(0, 100)
}

function isIssuerMismatch(error: unknown): boolean {
  return (
    (error as { code?: unknown } | undefined)?.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'
  )
}

function noMetadata(
  issuer: string,
  reason: string | undefined,
  cause?: unknown,
): UpstreamAuthError {
  const because = reason ? `: ${quoted(reason)}` : ''
  return new UpstreamAuthError(
    'no-metadata',
    `No authorization server metadata was found for ${quoted(issuer)}${because}.`,
    {
      hint: 'The server asks for a login but does not say where. If it takes a fixed token, set "headers" for it in the configuration file.',
      cause,
    },
  )
}

/** Where a protected resource's metadata may be, best first (RFC 9728 section 3.1, then the root). */
function resourceMetadataUrls(serverUrl: string): string[] {
  const { origin, pathname, search } = new URL(serverUrl)
  const path = pathname.replace(/\/$/, '')
  const root = `${origin}/.well-known/oauth-protected-resource`
  return [...new Set([`${root}${path}${search}`, `${root}${path}`, root])]
}

/**
 * Where an authorization server's metadata may be, best first: RFC 8414 section 3.1, OpenID Connect
 * Discovery with the path inserted the same way, and appended as its section 4 has it.
 */
function issuerMetadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ]
}

/** A server's resource identifier when its metadata gives none (RFC 8707 section 2: no fragment). */
function canonicalResource(serverUrl: string): string {
  const url = new URL(serverUrl)
  url.hash = ''
  const text = url.href
  return url.search === '' ? text.replace(/\/$/, '') : text
}

/**
 * Whether metadata that names `resource` may speak for the server (RFC 9728 section 3.3): the same
 * origin, and the same path or one above it, segment by segment.
 */
function isResourceOf(serverUrl: string, resource: string): boolean {
  const server = new URL(serverUrl)
  const claimed = URL.parse(resource)
  if (!claimed || claimed.origin !== server.origin || claimed.hash !== '') return false
  if (claimed.search !== '' && claimed.search !== server.search) return false
  const folder = claimed.pathname.replace(/\/?$/, '/')
  return `${server.pathname}/`.startsWith(folder)
}
