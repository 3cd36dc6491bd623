import { createPrivateKey } from 'node:crypto'
import type { CryptoKey } from 'jose'
import {
  type AuthorizationServer,
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretPost,
  customFetch,
  genericTokenEndpointRequest,
  None,
  OperationProcessingError,
  PrivateKeyJwt,
  processAuthorizationCodeResponse,
  processGenericTokenEndpointResponse,
  ResponseBodyError,
  revocationRequest,
  type TokenEndpointResponse,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import type { GuardedFetch } from '../../lib/guarded-fetch.ts'
import { quoted } from '../../lib/printable.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { ClientIdentity } from './upstream-grants.ts'

/** Who asks whom for tokens, and for which server. */
export interface TokenRequest {
  readonly fetch: GuardedFetch
  readonly issuer: AuthorizationServer
  readonly client: ClientIdentity
  readonly privateKey: string | undefined
  readonly resource: string
}

/** What a token endpoint gave. */
export interface IssuedTokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly expiresInMs: number | undefined
  /** Undefined when the answer does not say, which means "as asked" (RFC 6749 5.1). */
  readonly scope: string | undefined
}

/** RFC 6749 5.2: the client, the grant or something else was refused. */
interface TokenRefusal {
  readonly ok: false
  readonly error: string
  readonly description: string | undefined
}

export type TokenAnswer = ({ readonly ok: true } & IssuedTokens) | TokenRefusal

/** How oauth4webapi sends its requests. */
function requestOptions(fetch: GuardedFetch) {
  return {
    // The guarded fetch requires https itself, loopback excepted.
    [allowInsecureRequests]: true,
    [customFetch]: (url: string, { method, headers, body }: RequestInit) =>
      fetch(url, {
        method: method ?? 'POST',
        headers: { ...(headers as Record<string, string>) },
        body: body as URLSearchParams,
      }),
  } as const
}

/**
 * Asks a token endpoint (RFC 6749 section 3.2), once per way to authenticate.
 * @throws UpstreamAuthError unreachable
 */
export async function requestTokens(
  request: TokenRequest,
  grantType: 'authorization_code' | 'refresh_token' | 'client_credentials',
  parameters: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
  const { fetch, issuer, resource } = request
  const client = { client_id: request.client.clientId }
  const sent = { ...parameters, resource }
  const options = requestOptions(fetch)
  const process =
    grantType === 'authorization_code'
      ? processAuthorizationCodeResponse
      : processGenericTokenEndpointResponse
  let refusal: TokenRefusal | undefined
  for (const auth of await clientAuthentications(issuer, request.client, request.privateKey)) {
    try {
      const answer = genericTokenEndpointRequest(issuer, client, auth, grantType, sent, options)
      return readTokens(await process(issuer, client, await answer))
    } catch (error) {
      refusal = refusalOf(error, issuer)
      if (refusal.error !== 'invalid_client') break
    }
  }
  return refusal ?? { ok: false, error: 'invalid_client', description: undefined }
}

/** Tells an issuer to end a token (RFC 7009). */
export async function revokeToken(
  { fetch, issuer, client, privateKey }: TokenRequest,
  token: string,
): Promise<void> {
  if (issuer.revocation_endpoint === undefined) return
  const [auth] = await clientAuthentications(issuer, client, privateKey)
  if (!auth) return
  const client_id = client.clientId
  await revocationRequest(issuer, { client_id }, auth, token, requestOptions(fetch))
}

function readTokens(answer: TokenEndpointResponse): TokenAnswer {
  if (answer.token_type !== 'bearer') {
    const description = `token_type ${answer.token_type} is not supported`
    return { ok: false, error: 'unsupported_token_type', description }
  }
  return {
    ok: true,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresInMs: answer.expires_in === undefined ? undefined : answer.expires_in * 1000,
    scope: answer.scope,
  }
}

/** What oauth4webapi throws for an answer, rather than for a mistake of ours. */
const answerErrors = [
  OperationProcessingError,
  UnsupportedOperationError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
]

/** The refusal in an answer. @throws UpstreamAuthError when there was no answer that is one */
function refusalOf(error: unknown, issuer: AuthorizationServer): TokenRefusal {
  if (error instanceof ResponseBodyError && error.status < 500 && error.status !== 429) {
    return { ok: false, error: error.error, description: error.error_description }
  }
  // RFC 6749 5.2: only a failed client authentication answers with a challenge.
  if (error instanceof WWWAuthenticateChallengeError && error.status === 401) {
    return { ok: false, error: 'invalid_client', description: undefined }
  }
  if (!answerErrors.some((kind) => error instanceof kind)) throw error
  throw new UpstreamAuthError(
    'unreachable',
    `The authorization server ${quoted(issuer.issuer)} gave no usable answer to a token request.`,
    { hint: 'Try again later. If it stays, the server breaks RFC 6749.', cause: error },
  )
}

/**
 * The ways to authenticate at the token endpoint, to be tried in order when the issuer refuses the
 * client. More than one only where servers disagree about how a secret is encoded.
 * @throws UpstreamAuthError key-invalid
 */
async function clientAuthentications(
  issuer: AuthorizationServer,
  client: ClientIdentity,
  privateKey: string | undefined,
): Promise<readonly ClientAuth[]> {
  if (privateKey !== undefined) return [PrivateKeyJwt(await importKey(privateKey))]
  const { clientSecret } = client
  if (clientSecret === undefined) return [None()]
  const supported = issuer.token_endpoint_auth_methods_supported
  switch (chooseMethod(client.authMethod, supported)) {
    case 'none':
      return [None()]
    case 'client_secret_post':
      return [ClientSecretPost(clientSecret)]
    default:
      return basicVariants(clientSecret)
  }
}

const known = ['client_secret_basic', 'client_secret_post', 'none']

/** RFC 7591 2: without a word from the issuer it is `client_secret_basic`. */
function chooseMethod(registered: string | undefined, supported: readonly string[] | undefined) {
  if (registered !== undefined && known.includes(registered)) return registered
  return known.find((method) => supported?.includes(method)) ?? 'client_secret_basic'
}

/**
 * RFC 6749 2.3.1 form-encodes id and secret before base64; many servers never decode. What needs no
 * encoding is the same both ways (unlike in oauth4webapi, which encodes `-` and `_` too).
 */
function basicVariants(secret: string): ClientAuth[] {
  const send =
    (encode: (text: string) => string): ClientAuth =>
    (_issuer, client, _body, headers) => {
      const credentials = `${encode(client.client_id)}:${encode(secret)}`
      headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
    }
  return [send(formEncode), send((text) => text)]
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

async function importKey(pem: string): Promise<CryptoKey> {
  try {
    const { importPKCS8 } = await import('jose')
    return await importPKCS8(pem, algorithmOf(pem))
  } catch (error) {
    throw new UpstreamAuthError('key-invalid', 'The private key for the login cannot be used.', {
      hint: 'Set "privateKey" in the server\'s "auth" to an EC (P-256, P-384), RSA or Ed25519 key as PKCS #8 PEM.',
      cause: error,
    })
  }
}

function algorithmOf(pem: string): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem)
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'rsa') return 'RS256'
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256'
}
