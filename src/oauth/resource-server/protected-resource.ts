import type { OAuthError } from '../oauth-error.ts'
import { oauthUrls } from '../oauth-urls.ts'
import type { ProfileAuth } from '../policy.ts'
import { baseScope } from '../policy.ts'

/** What a profile asks for, as its metadata and challenges say it. */
export interface ProtectedProfile {
  readonly name: string
  readonly description: string | undefined
  /** Every scope that exists for it, the base scope first. */
  readonly scopes: readonly string[]
}

/** RFC 9728 section 2. */
export interface ProtectedResourceDocument {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported: readonly string[]
  readonly bearer_methods_supported: readonly string[]
  readonly resource_name: string
}

/** Protected resource metadata of a profile in one origin (RFC 9728 section 2). */
export function createResourceMetadata(
  profile: ProtectedProfile,
  options: { origin: string; authorizationServers: readonly string[] },
): ProtectedResourceDocument {
  return {
    resource: oauthUrls(options.origin).resource(profile.name),
    authorization_servers: options.authorizationServers,
    scopes_supported: profile.scopes,
    // RFC 6750 section 2.3: tokens in the query end up in logs, so they are never read from there.
    bearer_methods_supported: ['header'],
    resource_name: profile.description ?? `Sallyport: ${profile.name}`,
  }
}

/** An answer to somebody who is not let in. */
export interface Refusal {
  readonly ok: false
  readonly status: 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: string; readonly error_description: string }
}

/** The protected resource that was asked for. */
export interface Target {
  readonly origin: string
  readonly profile: string
}

const retryAfterSeconds = '10'

/** RFC 6750 section 3.1: without credentials the challenge carries no error code. */
export function credentialsNeeded(auth: ProfileAuth, target: Target): Refusal {
  // Metadata would send the client to log in where only a key helps.
  const challenge =
    auth === 'key'
      ? `Bearer realm="${target.profile}"`
      : formatChallenge({ resourceMetadata: metadataUrl(target), scopes: [baseScope] })
  const what = auth === 'key' ? 'an API key' : 'an access token or an API key'
  return {
    ok: false,
    status: 401,
    headers: { 'www-authenticate': challenge },
    body: {
      error: 'authorization_required',
      error_description: `the profile ${JSON.stringify(target.profile)} needs ${what} in the Authorization header`,
    },
  }
}

/** Credentials that are not good here, or that cannot be checked now. */
export function credentialsRefused(error: OAuthError, target: Target): Refusal {
  const body = { error: error.code, error_description: error.description }
  if (error.code === 'temporarily_unavailable') {
    return { ok: false, status: 503, headers: { 'retry-after': retryAfterSeconds }, body }
  }
  const challenge = formatChallenge({
    error: 'invalid_token',
    description: error.description,
    scopes: [baseScope],
    resourceMetadata: metadataUrl(target),
  })
  return { ok: false, status: 401, headers: { 'www-authenticate': challenge }, body }
}

/** RFC 6750 section 3.1; MCP has every scope named that the request needs. */
export function insufficientScope(scopes: readonly string[], target: Target): Refusal {
  const description = `the request needs the scopes ${scopes.join(' ')}`
  const challenge = formatChallenge({
    error: 'insufficient_scope',
    description,
    scopes,
    resourceMetadata: metadataUrl(target),
  })
  return {
    ok: false,
    status: 403,
    headers: { 'www-authenticate': challenge },
    body: { error: 'insufficient_scope', error_description: description },
  }
}

function metadataUrl({ origin, profile }: Target): string {
  return oauthUrls(origin).resourceMetadata(profile)
}

/** What a WWW-Authenticate answer says (RFC 6750 section 3, RFC 9728 section 5.1). */
interface Challenge {
  readonly resourceMetadata: string
  readonly scopes: readonly string[]
  /** Left out when the request brought no credentials at all (RFC 6750 section 3.1). */
  readonly error?: 'invalid_token' | 'insufficient_scope'
  readonly description?: string
}

function formatChallenge(challenge: Challenge): string {
  const parameters: [string, string | undefined][] = [
    ['error', challenge.error],
    ['error_description', challenge.description],
    ['scope', challenge.scopes.join(' ')],
    ['resource_metadata', challenge.resourceMetadata],
  ]
  const written = parameters.flatMap(([name, value]) => (value ? `${name}="${quote(value)}"` : []))
  return `Bearer ${written.join(', ')}`
}

/** RFC 6750 section 3 allows printable ASCII without `"` and `\` in every one of these values. */
function quote(value: string): string {
  return value.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?')
}
