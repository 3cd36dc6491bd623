import * as oauth from 'oauth4webapi'
import { type Login, logInWithBrowser } from './browser-login.ts'
import { discover, type Protected } from './discover.ts'
import { keepLogin, readLogin } from './kept-login.ts'
import { verifyAccessToken } from './verify-access-token.ts'

/**
 * Obtains an access token for the profile whose 401 said `challenge`: by the refresh token of an
 * earlier run, else by asking the owner in a browser. A token that does not verify is neither kept
 * nor returned.
 */
export async function obtainAccessToken(url: URL, challenge: string): Promise<string> {
  const found = await discover(url, challenge)
  const { clientId, tokens } = (await renew(found)) ?? (await logInWithBrowser(found))
  const { resource, jwksUri, as } = found
  const { issuer } = as
  await verifyAccessToken(tokens.access_token, { issuer, jwksUri, resource }).catch((cause) => {
    throw new Error('The access token does not verify, so it is not used', { cause })
  })
  if (tokens.refresh_token) {
    await keepLogin({ clientId, refreshToken: tokens.refresh_token }, { issuer, resource })
  }
  return tokens.access_token
}

/** Undefined when there is nothing to renew, or the gateway ended it: then the owner is asked. */
async function renew({ as, resource }: Protected): Promise<Login | undefined> {
  const kept = await readLogin(as.issuer, resource)
  if (!kept) return undefined
  const { clientId, refreshToken } = kept
  const client = { client_id: clientId, token_endpoint_auth_method: 'none' }
  try {
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshToken, {
      additionalParameters: { resource },
    })
    const tokens = await oauth.processRefreshTokenResponse(as, client, response)
    return { clientId, tokens: { refresh_token: refreshToken, ...tokens } }
  } catch (error) {
    const refused = error instanceof oauth.ResponseBodyError ? error.error : undefined
    if (refused === 'invalid_grant' || refused === 'invalid_client') return undefined
    throw error
  }
}
