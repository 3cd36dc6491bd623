import { quoted } from '../../lib/printable.ts'
import { requireGoodAnswer } from './authorization-answer.ts'
import { authorizationUrl, createLogin, type Login } from './authorization-request.ts'
import type { Demand } from './demand.ts'
import type { GrantKeeper } from './grant-keeper.ts'
import { grantOf } from './grant-refresh.ts'
import type { GrantStore } from './grant-store.ts'
import { type ClientUrls, guardOf, type IssuerAccess } from './issuer-access.ts'
import type { LoginAttempts } from './login-attempts.ts'
import { connectedPage, failedPage, loginRefusal, type PageAnswer } from './login-page.ts'
import { selectScopes } from './scopes.ts'
import { exchangeCode } from './token-requests.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { OAuthClient, ProtectedUpstream } from './upstream-client.ts'
import { requireUsableIssuer } from './usable-issuer.ts'

export interface UpstreamLoginOptions {
  readonly grants: GrantStore
  readonly keeper: GrantKeeper
  readonly access: IssuerAccess
  readonly attempts: LoginAttempts<Login>
  readonly urls: () => ClientUrls
  readonly now: () => number
}

export type LoginStart =
  | { readonly status: 302; readonly location: string; readonly setCookie: string }
  | PageAnswer

/** The browser's way through an authorization server and back; knows no web framework. */
export interface UpstreamLogin {
  /** Discovers and registers, then sends the browser off. @throws UpstreamAuthError */
  begin(upstream: ProtectedUpstream, demand: Demand): Promise<Extract<LoginStart, { status: 302 }>>
  /** Judges what came back and stores the tokens. Never redirects. */
  finish(request: CallbackRequest): Promise<FinishedLogin>
}

export interface CallbackRequest {
  /** The whole address that was called, as one of our origins knows it. */
  readonly url: string
  readonly cookie: string | undefined
}

/** `upstream` only once it is connected. */
export type FinishedLogin = PageAnswer & { readonly upstream?: ProtectedUpstream }

export function createUpstreamLogin(options: UpstreamLoginOptions): UpstreamLogin {
  const { access, keeper, attempts } = options
  /** Registrations that a browser was sent off with and has not come back from. */
  const unanswered = new Set<string>()

  return {
    async begin(upstream, demand) {
      const urls = options.urls()
      const resource = await access.resource(upstream, demand.resourceMetadata)
      const issuer = await access.issuer(upstream, resource)
      requireUsableIssuer(issuer, guardOf(upstream))
      // An issuer that forgot us shows its own error and sends nobody back: register anew then.
      const known = await options.grants.client(issuer.issuer, urls.redirectUri)
      if (known && unanswered.has(known.clientId)) await options.grants.deleteClient(known)
      const client = await access.client(upstream, issuer, urls)
      const scopes = selectScopes({
        configured: upstream.auth.scopes,
        challenged: demand.scopes,
        listed: resource.scopes,
        steppedUp: demand.steppedUp,
        issuerKnows: issuer.scopes_supported,
        mayRefresh: true,
      })
      const login = createLogin({ upstream, issuer, client, resource: resource.resource, scopes })
      const { state, setCookie } = attempts.begin(login, client.redirectUri)
      if (client.kind === 'dynamic') unanswered.add(client.clientId)
      return { status: 302, location: await authorizationUrl(login, state), setCookie }
    },
    async finish({ url, cookie }) {
      const address = new URL(url)
      const states = address.searchParams.getAll('state')
      const taken = attempts.take(states[0] ?? '', cookie)
      if (!taken.ok) return failedPage(loginRefusal(taken.reason))
      const { attempt: login, clearCookie } = taken
      const { upstream } = login
      unanswered.delete(login.client.clientId)
      try {
        await keeper.replace(upstream, await exchange(login, address))
        return { ...connectedPage(upstream.name, clearCookie), upstream }
      } catch (error) {
        return failedPage(error, { server: upstream.name, setCookie: clearCookie })
      }
    },
  }

  async function exchange(login: Login, address: URL) {
    const { upstream, issuer, client, resource, scopes } = login
    const fetch = access.fetchFor(upstream)
    const { privateKey } = upstream.auth
    const answer = await exchangeCode(
      { fetch, issuer, client, privateKey, resource },
      { response: requireGoodAnswer(login, address), codeVerifier: login.codeVerifier },
    )
    if (answer.ok) {
      return grantOf(answer, { resource, client, requestedScopes: scopes, now: options.now() })
    }
    if (answer.error === 'invalid_client') await forgetClient(client)
    throw codeRefused(answer)
  }

  async function forgetClient(client: OAuthClient): Promise<void> {
    if (client.kind === 'dynamic') await options.grants.deleteClient(client)
  }
}

function codeRefused(answer: { error: string; description: string | undefined }) {
  const reason = quoted(answer.description ?? answer.error)
  return new UpstreamAuthError(
    answer.error === 'invalid_client' ? 'client-refused' : 'code-refused',
    `The authorization server let you in but gave the gateway no token: ${reason}.`,
    {
      hint: 'Begin again. If it stays, check "clientId" and "clientSecret" in the server\'s "auth" in the configuration file.',
    },
  )
}
