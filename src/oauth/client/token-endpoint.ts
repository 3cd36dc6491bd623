import {
  type AuthorizationServer,
  allowInsecureRequests,
  type Client,
  type ClientAuth,
  customFetch,
  OperationProcessingError,
  ResponseBodyError,
  type TokenEndpointResponse,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import type { GuardedFetch } from '../../lib/guarded-fetch.ts'
import { quoted } from '../../lib/printable.ts'
import { clientAuthentications } from './client-authentication.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { OAuthClient } from './upstream-client.ts'

/** Who asks whom for tokens. */
export interface TokenParty {
  readonly fetch: GuardedFetch
  readonly issuer: AuthorizationServer
  readonly client: OAuthClient
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
export interface TokenRefusal {
  readonly ok: false
  readonly error: string
  readonly description: string | undefined
}

export type TokenAnswer = ({ readonly ok: true } & IssuedTokens) | TokenRefusal

/** Options of every request of oauth4webapi to a token endpoint. */
export interface RequestOptions {
  readonly additionalParameters: { resource: string }
  readonly [customFetch]: (url: string, init: RequestInit) => Promise<Response>
  readonly [allowInsecureRequests]: true
}

/** Asks once, or once per way to authenticate. @throws UpstreamAuthError unreachable */
export async function askForTokens(
  party: TokenParty,
  ask: (
    client: Client,
    auth: ClientAuth,
    options: RequestOptions,
  ) => Promise<TokenEndpointResponse>,
): Promise<TokenAnswer> {
  const { fetch, issuer, client, resource } = party
  const options: RequestOptions = {
    additionalParameters: { resource },
    // The guarded fetch requires https itself, loopback excepted.
    [allowInsecureRequests]: true,
    [customFetch]: (url, init) => fetch(url, tokenRequestOf(init)),
  }
  let refusal: TokenRefusal | undefined
  for (const auth of await clientAuthentications(issuer, client, party.privateKey)) {
    try {
      return readTokens(await ask({ client_id: client.clientId }, auth, options))
    } catch (error) {
      refusal = refusalOf(error, issuer)
      if (refusal.error !== 'invalid_client') break
    }
  }
  return refusal ?? { ok: false, error: 'invalid_client', description: undefined }
}

function tokenRequestOf(init: RequestInit): Parameters<GuardedFetch>[1] {
  return {
    method: init.method ?? 'POST',
    headers: { ...(init.headers as Record<string, string>) },
    body: init.body as URLSearchParams,
  }
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
