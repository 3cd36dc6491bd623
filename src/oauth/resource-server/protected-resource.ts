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

/** Protected resource metadata of a profile in one origin (RFC 9728 section 2). */
export function createResourceMetadata(
  profile: ProtectedProfile,
  options: { origin: string; authorizationServers: readonly string[] },
) {
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
  const isKeyed = auth === 'key'
  const challenge = isKeyed
    ? `Bearer realm="${target.profile}"`
    : formatChallenge(target, { scope: baseScope })
  const what = isKeyed ? 'an API key' : 'an access token or an API key'
  const error_description = `the profile ${JSON.stringify(target.profile)} needs ${what} in the Authorization header`
  return refusal(401, challenge, { error: 'authorization_required', error_description })
}

/** Credentials that are not good here, or that cannot be checked now. */
export function credentialsRefused({ code, description }: OAuthError, target: Target): Refusal {
  const body = { error: code, error_description: description }
  if (code === 'temporarily_unavailable') {
    return { ok: false, status: 503, headers: { 'retry-after': retryAfterSeconds }, body }
  }
  const said = { ...body, error: 'invalid_token', scope: baseScope }
  return refusal(401, formatChallenge(target, said), body)
}

/** RFC 6750 section 3.1; MCP has every scope named that the request needs. */
export function insufficientScope(scopes: readonly string[], target: Target): Refusal {
  const scope = scopes.join(' ')
  const error_description = `the request needs the scopes ${scope}`
  const body = { error: 'insufficient_scope', error_description }
  return refusal(403, formatChallenge(target, { ...body, scope }), body)
}

function refusal(status: 401 | 403, challenge: string, body: Refusal['body']): Refusal {
  return { ok: false, status, headers: { 'www-authenticate': challenge }, body }
}

/** A WWW-Authenticate value (RFC 6750 section 3, RFC 9728 section 5.1). */
function formatChallenge(
  { origin, profile }: Target,
  {
    error,
    error_description,
    scope,
  }: { error?: string; error_description?: string; scope: string },
): string {
  const resource_metadata = oauthUrls(origin).resourceMetadata(profile)
  const parameters = Object.entries({ error, error_description, scope, resource_metadata })
  const written = parameters.flatMap(([name, value]) => (value ? `${name}="${quote(value)}"` : []))
  return `Bearer ${written.join(', ')}`
}

/** RFC 6750 section 3 allows printable ASCII without `"` and `\` in every one of these values. */
function quote(value: string): string {
  return value.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?')
}
