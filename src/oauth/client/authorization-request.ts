import {
  type AuthorizationServer,
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
} from 'oauth4webapi'
import type { OAuthClient, ProtectedUpstream } from './upstream-client.ts'

/** A login under way: all that the answer is judged by, recorded before the browser leaves. */
export interface Login {
  readonly upstream: ProtectedUpstream
  readonly issuer: AuthorizationServer
  readonly client: OAuthClient
  readonly resource: string
  readonly scopes: readonly string[]
  readonly codeVerifier: string
}

export function createLogin(login: Omit<Login, 'codeVerifier'>): Login {
  return { ...login, codeVerifier: generateRandomCodeVerifier() }
}

/** Where to send the browser (RFC 6749 4.1.1, RFC 7636 4.3, RFC 8707 2.1). */
export async function authorizationUrl(login: Login, state: string): Promise<string> {
  const { client, scopes, resource } = login
  // Checked by requireUsableEndpoints; parameters of its own are kept (RFC 6749 3.1).
  const url = new URL(login.issuer.authorization_endpoint ?? '')
  const parameters = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    state,
    code_challenge: await calculatePKCECodeChallenge(login.codeVerifier),
    code_challenge_method: 'S256',
    resource,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    // OpenID Connect Core 11: without it, offline_access is ignored.
    ...(scopes.includes('offline_access') && { prompt: 'consent' }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
