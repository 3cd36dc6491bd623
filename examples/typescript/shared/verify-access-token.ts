import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'

/** What an access token has to be good for. */
export interface Expected {
  readonly issuer: string
  /** Where the issuer's public keys are; from its metadata, never from the token. */
  readonly jwksUri: string
  /** The resource identifier of the profile, which has to be the only audience. */
  readonly resource: string
}

// Asymmetric ones only: with HS256 the public key would do as the secret, and "none" needs no key.
const algorithms = ['RS256', 'ES256']

/**
 * Verifies a JWT access token (RFC 9068 section 4) with the issuer's published keys.
 * @throws when it does not hold, and also when that cannot be found out
 */
export async function verifyAccessToken(token: string, expected: Expected): Promise<JWTPayload> {
  const { issuer, jwksUri, resource } = expected
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwksUri)), {
    algorithms,
    issuer,
    audience: resource,
    typ: 'at+jwt',
    requiredClaims: ['exp', 'sub'],
    clockTolerance: 30,
  })
  // Whoever else it is good for could use it here as well.
  if ([payload.aud].flat().length !== 1) throw new Error('"aud" must name this resource alone')
  return payload
}
