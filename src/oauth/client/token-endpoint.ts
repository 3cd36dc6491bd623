import {
  type AuthorizationServer,
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  type Client,
  type ClientAuth,
  clientCredentialsGrantRequest,
  customFetch,
  OperationProcessingError,
  processAuthorizationCodeResponse,
  processClientCredentialsResponse,
  processRefreshTokenResponse,
  ResponseBodyError,
  refreshTokenGrantRequest,
  revocationRequest,
  type TokenEndpointResponse,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import type { GuardedFetch } from '../../lib/guarded-fetch.ts'
import { quoted } from '../../lib/printable.ts'
import { clientAuthentications } from './client-authentication.ts'
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

/** Exchanges the code of a validated authorization response. */
export function exchangeCode(
  request: TokenRequest,
  login: { response: URLSearchParams; codeVerifier: string },
): Promise<TokenAnswer> {
  const { issuer, client } = request
  return askForTokens(request, async (oauthClient, auth, options) => {
    const answer = await authorizationCodeGrantRequest(
      issuer,
      oauthClient,
      auth,
      login.response,
      client.redirectUri,
      login.codeVerifier,
      options,
    )
    return processAuthorizationCodeResponse(issuer, oauthClient, answer)
  })
}

export function refreshTokens(request: TokenRequest, refreshToken: string): Promise<TokenAnswer> {
  return askForTokens(request, async (client, auth, options) => {
    const answer = await refreshTokenGrantRequest(
      request.issuer,
      client,
      auth,
      refreshToken,
      options,
    )
    return processRefreshTokenResponse(request.issuer, client, answer)
  })
}

export function requestClientCredentials(
  request: TokenRequest,
  scopes: readonly string[],
): Promise<TokenAnswer> {
  return askForTokens(request, async (client, auth, { additionalParameters, ...options }) => {
    const parameters = new URLSearchParams(additionalParameters)
    if (scopes.length > 0) parameters.set('scope', scopes.join(' '))
    const answer = await clientCredentialsGrantRequest(
      request.issuer,
      client,
      auth,
      parameters,
      options,
    )
    return processClientCredentialsResponse(request.issuer, client, answer)
  })
}

/** Tells an issuer to end a token (RFC 7009). */
export async function revokeToken(
  { fetch, issuer, client, privateKey }: TokenRequest,
  token: string,
): Promise<void> {
  if (issuer.revocation_endpoint === undefined) return
  const [auth] = await clientAuthentications(issuer, client, privateKey)
  if (!auth) return
  await revocationRequest(
    issuer,
    { client_id: client.clientId },
    auth,
    token,
    requestOptions(fetch),
  )
}

/** Asks once, or once per way to authenticate. @throws UpstreamAuthError unreachable */
async function askForTokens(
  request: TokenRequest,
  ask: (
    client: Client,
    auth: ClientAuth,
    options: ReturnType<typeof requestOptions> & { additionalParameters: { resource: string } },
  ) => Promise<TokenEndpointResponse>,
): Promise<TokenAnswer> {
  const { fetch, issuer, client, resource } = request
  const options = { additionalParameters: { resource }, ...requestOptions(fetch) }
  let refusal: TokenRefusal | undefined
  for (const auth of await clientAuthentications(issuer, client, request.privateKey)) {
    try {
      return readTokens(await ask({ client_id: client.clientId }, auth, options))
    } catch (error) {
      refusal = refusalOf(error, issuer)
      if (refusal.error !== 'invalid_client') break
    }
  }
  return refusal ?? { ok: false, error: 'invalid_client', description: undefined }
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
