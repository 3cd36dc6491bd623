import {
  authorizationCodeGrantRequest,
  clientCredentialsGrantRequest,
  processAuthorizationCodeResponse,
  processClientCredentialsResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
} from 'oauth4webapi'
import { askForTokens, type TokenAnswer, type TokenParty } from './token-endpoint.ts'

/** Exchanges the code of a validated authorization response. */
export function exchangeCode(
  party: TokenParty,
  login: { response: URLSearchParams; codeVerifier: string },
): Promise<TokenAnswer> {
  const { issuer, client } = party
  return askForTokens(party, async (oauthClient, auth, options) => {
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

export function refreshTokens(party: TokenParty, refreshToken: string): Promise<TokenAnswer> {
  return askForTokens(party, async (client, auth, options) => {
    const answer = await refreshTokenGrantRequest(party.issuer, client, auth, refreshToken, options)
    return processRefreshTokenResponse(party.issuer, client, answer)
  })
}

export function requestClientCredentials(
  party: TokenParty,
  scopes: readonly string[],
): Promise<TokenAnswer> {
  return askForTokens(party, async (client, auth, { additionalParameters, ...options }) => {
    const parameters = new URLSearchParams(additionalParameters)
    if (scopes.length > 0) parameters.set('scope', scopes.join(' '))
    const answer = await clientCredentialsGrantRequest(
      party.issuer,
      client,
      auth,
      parameters,
      options,
    )
    return processClientCredentialsResponse(party.issuer, client, answer)
  })
}
