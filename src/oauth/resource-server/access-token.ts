import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { messageOf } from '../../errors.ts'
import { OAuthError } from '../oauth-error.ts'
import { IssuerUnavailable, type TokenIssuer } from './token-issuer.ts'

/** What a verified access token says. */
export interface AccessTokenClaims {
  readonly issuer: string
  readonly subject: string
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
  /** The grant behind a token of our own; empty when it names none. */
  readonly grantId: string | undefined
  /** Milliseconds since the epoch, leeway included. */
  readonly expiresAt: number
}

// Neither `none` nor HS*, which a public key would satisfy. Ed25519 is the newer name of EdDSA.
const algorithms = ['RS256', 'ES256', 'EdDSA', 'Ed25519']
const leewaySeconds = 30

/**
 * Verifies a JWT access token (RFC 9068 section 4) that was presented for `resource`.
 * @throws OAuthError invalid_token when it is not good here; temporarily_unavailable when the
 *   issuer's keys cannot be had
 */
export async function verifyAccessToken(
  token: string,
  options: { issuers: readonly TokenIssuer[]; resource: string; now: Date },
): Promise<AccessTokenClaims> {
  const { issuers, resource, now } = options
  const claimed = peekIssuer(token)
  // RFC 9207 and RFC 9068 compare issuers as whole strings.
  const issuer = issuers.find((one) => one.issuer === claimed)
  if (!issuer)
    throw invalidToken('its issuer is not accepted here', {
      reason: `"iss" is ${JSON.stringify(claimed)}`,
    })
  try {
    const { payload } = await jwtVerify(token, issuer.key, {
      algorithms,
      issuer: issuer.issuer,
      audience: resource,
      typ: 'at+jwt',
      clockTolerance: leewaySeconds,
      currentDate: now,
      requiredClaims: ['exp', 'sub'],
    })
    return readClaims(payload, { issuer, resource })
  } catch (error) {
    throw explain(error)
  }
}

/** The unverified issuer, which only selects whose keys the signature must match. */
function peekIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch (error) {
    throw invalidToken('it is not a JWT access token', { reason: messageOf(error), cause: error })
  }
}

function readClaims(
  payload: JWTPayload,
  { issuer, resource }: { issuer: TokenIssuer; resource: string },
): AccessTokenClaims {
  // A token that is good elsewhere as well could be replayed here by that other resource.
  const audience = [payload.aud].flat()
  if (audience.length !== 1 || audience[0] !== resource) {
    throw invalidToken('it was issued for more than this resource')
  }
  return {
    issuer: issuer.issuer,
    subject: payload.sub ?? '',
    clientId: asString(payload.client_id) ?? asString(payload.azp),
    scopes: readScopes(payload),
    grantId: issuer.isOwn ? (asString(payload.grant_id) ?? '') : undefined,
    expiresAt: (Number(payload.exp) + leewaySeconds) * 1000,
  }
}

/** RFC 9068 section 2.2.3 has `scope`; several vendors write `scp`, as text or as a list. */
function readScopes(payload: JWTPayload): string[] {
  const value = payload.scope ?? payload.scp
  const list = Array.isArray(value) ? value : typeof value === 'string' ? value.split(' ') : []
  return list.filter((scope): scope is string => typeof scope === 'string' && scope !== '')
}

function explain(error: unknown): Error {
  if (error instanceof OAuthError) return error
  if (error instanceof IssuerUnavailable) {
    return new OAuthError('temporarily_unavailable', {
      description: 'the keys that this access token must be checked with cannot be had now',
      reason: error.message,
      cause: error,
    })
  }
  if (error instanceof errors.JWTExpired) return invalidToken('it has expired', { cause: error })
  if (error instanceof errors.JWTClaimValidationFailed) {
    return invalidToken(describeClaim(error.claim), { reason: error.message, cause: error })
  }
  if (error instanceof errors.JOSEError) {
    return invalidToken('its signature does not hold', { reason: error.message, cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}

function describeClaim(claim: string): string {
  if (claim === 'aud') return 'it was issued for another resource'
  if (claim === 'nbf') return 'it is not valid yet'
  return `its "${claim}" is not what an access token of this resource has`
}

function invalidToken(why: string, details: { reason?: string; cause?: unknown } = {}): OAuthError {
  return new OAuthError('invalid_token', {
    description: `the access token is not accepted: ${why}`,
    ...details,
  })
}

function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
