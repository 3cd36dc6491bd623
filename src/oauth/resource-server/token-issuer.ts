import type { FetchImplementation, JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import { messageOf } from '../../errors.ts'

/** Somebody whose access tokens are accepted. */
export interface TokenIssuer {
  /** Compared with `iss` as a whole string. */
  readonly issuer: string
  /** Ours: its tokens hang on a grant that may have been revoked. */
  readonly isOwn: boolean
  /** @throws IssuerUnavailable when its keys cannot be had */
  readonly key: JWTVerifyGetKey
}

/** The keys of an issuer cannot be had now, so its tokens can be neither accepted nor refused. */
export class IssuerUnavailable extends Error {
  override readonly name = 'IssuerUnavailable'
}

/** Our own authorization server. Its keys are imported once for as long as they are the same object. */
export function createOwnIssuer(
  issuer: string,
  publicKeys: () => Promise<JSONWebKeySet>,
): TokenIssuer {
  let imported: { of: JSONWebKeySet; key: JWTVerifyGetKey } | undefined
  return {
    issuer,
    isOwn: true,
    async key(header, token) {
      const keys = await publicKeys()
      const { createLocalJWKSet } = await import('jose')
      if (imported?.of !== keys) imported = { of: keys, key: createLocalJWKSet(keys) }
      return imported.key(header, token)
    },
  }
}

/** An unknown key id makes the keys be read again, at most this often, ms. */
const cooldownMs = 30_000
const maxAgeMs = 10 * 60_000
const timeoutMs = 5_000

/**
 * An issuer elsewhere (`AUTH_ISSUER`): its metadata says where its keys are, which are kept for ten
 * minutes and read again when a token names a key that is not among them.
 */
export function createExternalIssuer(
  issuer: string,
  options: { fetch: FetchImplementation },
): TokenIssuer {
  let keys: Promise<JWTVerifyGetKey> | undefined

  async function openKeys(): Promise<JWTVerifyGetKey> {
    const uri = await discoverKeySet(issuer, options.fetch)
    const { createRemoteJWKSet, customFetch } = await import('jose')
    return createRemoteJWKSet(new URL(uri), {
      cooldownDuration: cooldownMs,
      cacheMaxAge: maxAgeMs,
      timeoutDuration: timeoutMs,
      [customFetch]: options.fetch,
    })
  }

  return {
    issuer,
    isOwn: false,
    async key(header, token) {
      keys ??= openKeys()
      try {
        return await (await keys)(header, token)
      } catch (error) {
        if (isAboutTheToken(error)) throw error
        // A failed discovery is tried again at the next token.
        if (error instanceof IssuerUnavailable) keys = undefined
        throw new IssuerUnavailable(`the keys of ${issuer} cannot be had: ${messageOf(error)}`, {
          cause: error,
        })
      }
    },
  }
}

const tokenCodes: ReadonlySet<unknown> = new Set([
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JOSE_NOT_SUPPORTED',
])

/** Everything else that reading a key set can throw means that the keys could not be had. */
function isAboutTheToken(error: unknown): boolean {
  return tokenCodes.has((error as { code?: unknown }).code)
}

/** Where an issuer's keys are: RFC 8414 section 3, then OpenID Connect Discovery 1.0 section 4. */
async function discoverKeySet(issuer: string, fetch: FetchImplementation): Promise<string> {
  const { allowInsecureRequests, customFetch, discoveryRequest, processDiscoveryResponse } =
    await import('oauth4webapi')
  const url = new URL(issuer)
  const reasons: string[] = []
  for (const algorithm of ['oauth2', 'oidc'] as const) {
    try {
      const response = await discoveryRequest(url, {
        algorithm,
        signal: AbortSignal.timeout(timeoutMs),
        // Which schemes AUTH_ISSUER may have is decided where it is read.
        [allowInsecureRequests]: true,
        [customFetch]: fetch,
      })
      const metadata = await processDiscoveryResponse(url, response)
      // RFC 8414 section 3.3, to the letter: otherwise one issuer could speak for another.
      if (metadata.issuer !== issuer) throw new Error('"issuer" is not the one that was asked')
      if (metadata.jwks_uri === undefined) throw new Error('there is no "jwks_uri"')
      return metadata.jwks_uri
    } catch (error) {
      reasons.push(`${algorithm} metadata: ${messageOf(error)}`)
    }
  }
  throw new IssuerUnavailable(reasons.join('; '))
}
