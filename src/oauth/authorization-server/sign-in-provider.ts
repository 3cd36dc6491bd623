import * as oauth from 'oauth4webapi'
import type { AuthSettings } from '../../config/resolved-config.ts'
import { isLoopbackHost } from '../../lib/hosts.ts'

/** Where the owner can sign in: GitHub, or any OpenID Connect issuer (Google is one). */
export type SignInProviderConfig = AuthSettings['signIn'][number]

/** What a sign-in must remember until the browser is back. */
export interface SignInSecrets {
  readonly state: string
  readonly verifier: string
  readonly nonce: string
  readonly redirectUri: string
}

/** Who somebody is, as a sign-in provider says. */
export interface Identity {
  /** Name of the provider in the configuration, such as `github`. */
  readonly provider: string
  /** What the provider never gives to somebody else, as it may a login or an address. */
  readonly id: string
  /** Only GitHub has logins. */
  readonly login: string | undefined
  /** Addresses the provider has verified. */
  readonly verifiedEmails: readonly string[]
}

const githubIssuer = 'https://github.com/login/oauth'

export type SignInProvider = ReturnType<typeof createSignInProvider>

export function createSignInProvider(config: SignInProviderConfig) {
  const { name, label, clientId, clientSecret } = config
  const client: oauth.Client = { client_id: clientId }
  const isGithub = config.kind === 'github'
  const http = {
    // Plain HTTP only toward a provider on this machine.
    [oauth.allowInsecureRequests]: isLoopbackHost(new URL(config.issuer).hostname),
    signal: () => AbortSignal.timeout(10_000),
  }

  async function discover(): Promise<oauth.AuthorizationServer> {
    if (isGithub) return githubServer(config.issuer)
    const issuer = new URL(config.issuer)
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
  }

  async function redeem(as: oauth.AuthorizationServer, answer: URL, secrets: SignInSecrets) {
    const parameters = oauth.validateAuthResponse(as, client, answer, secrets.state)
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      clientAuthentication(as, clientSecret),
      parameters,
      secrets.redirectUri,
      secrets.verifier,
      http,
    )
    const expected = isGithub ? {} : { expectedNonce: secrets.nonce, requireIdToken: true }
    return oauth.processAuthorizationCodeResponse(as, client, response, expected)
  }

  return {
    name,
    label,
    /** Where to send the browser. */
    async authorizationUrl({
      state,
      verifier,
      nonce,
      redirectUri,
    }: SignInSecrets): Promise<string> {
      const as = await discover()
      const url = new URL(String(as.authorization_endpoint))
      const parameters = {
        client_id: clientId,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: isGithub ? 'read:user user:email' : 'openid email',
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(!isGithub && { nonce }),
      }
      for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value)
      return url.href
    },
    /** @throws when the answer is not good, whatever is wrong with it */
    async identify(answer: URL, secrets: SignInSecrets): Promise<Identity> {
      const as = await discover()
      const tokens = await redeem(as, answer, secrets)
      if (isGithub) return githubIdentity(tokens.access_token, { as, name, http })
      const claims = oauth.getValidatedIdTokenClaims(tokens)
      // OpenID Connect Core 5.7: only a verified address says who somebody is.
      const isVerified = claims?.email_verified === true && typeof claims.email === 'string'
      const verifiedEmails = isVerified ? [String(claims?.email)] : []
      return { provider: name, id: String(claims?.sub), login: undefined, verifiedEmails }
    },
  }
}

/** GitHub is no OpenID provider and has no such metadata; its endpoints are documented. */
function githubServer(issuer: string): oauth.AuthorizationServer {
  const { origin } = new URL(issuer)
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/access_token`,
    userinfo_endpoint:
      issuer === githubIssuer ? 'https://api.github.com/user' : `${origin}/api/v3/user`,
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  }
}

async function githubIdentity(
  accessToken: string,
  options: {
    as: oauth.AuthorizationServer
    name: string
    http: oauth.ProtectedResourceRequestOptions
  },
): Promise<Identity> {
  const user = new URL(String(options.as.userinfo_endpoint))
  const read = async (url: URL) => {
    const headers = new Headers({ accept: 'application/json', 'user-agent': 'sallyport' })
    const { http } = options
    const response = await oauth.protectedResourceRequest(
      accessToken,
      'GET',
      url,
      headers,
      null,
      http,
    )
    if (!response.ok) throw new Error(`${url.pathname} answered HTTP ${response.status}`)
    return response.json() as Promise<unknown>
  }
  const { id, login } = (await read(user)) as { id?: unknown; login?: unknown }
  const emails = (await read(new URL(`${user.href}/emails`))) as {
    email: string
    verified: boolean
  }[]
  if (typeof login !== 'string' || login === '') throw new Error('GitHub named no login')
  if (typeof id !== 'number') throw new Error('GitHub named no id')
  const verifiedEmails = emails
    .filter(({ verified }) => verified === true)
    .map(({ email }) => email)
  return { provider: options.name, id: String(id), login, verifiedEmails }
}

/** RFC 6749 section 2.3.1 prefers Basic; some take the secret in the body only. */
function clientAuthentication(as: oauth.AuthorizationServer, secret: string): oauth.ClientAuth {
  const methods = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return methods.includes('client_secret_basic')
    ? oauth.ClientSecretBasic(secret)
    : oauth.ClientSecretPost(secret)
}
