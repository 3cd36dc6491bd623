import type { OAuthError } from '../oauth-error.ts'
import { oauthUrls } from '../oauth-urls.ts'
import type { ProfileAuth } from '../policy.ts'
import { baseScope } from '../policy.ts'
import { formatChallenge } from './format-challenge.ts'

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
