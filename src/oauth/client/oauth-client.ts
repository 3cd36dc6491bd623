import { messageOf } from '../../errors.ts'
import type { ResolveAddresses } from '../../lib/guarded-fetch.ts'
import type { Logger } from '../../lib/logger.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import type { Store } from '../../store/store.ts'
import { createStepUpLimit, type LoginChallenge, noChallenge } from './challenge.ts'
import { discoverIssuer } from './discovery.ts'
import { createHeldGrants } from './held-grants.ts'
import { type ClientUrls, createIssuerAccess } from './issuer-access.ts'
import { type CallbackRequest, createUpstreamLogin, type Login, type LoginStart } from './login.ts'
import { createLoginAttempts, createLoginTickets } from './login-attempts.ts'
import { failedPage, loginRefusal, type PageAnswer } from './login-page.ts'
import { revokeToken } from './token-endpoint.ts'
import { createUpstreamAuthorizer } from './upstream-authorizer.ts'
import {
  createUpstreamGrants,
  type ProtectedUpstream,
  type RedirectChange,
  redirectChanges,
  type UpstreamGrant,
} from './upstream-grants.ts'

type UpstreamAuthStatus =
  /** It has not asked for a login so far. */
  | { state: 'open' }
  | { state: 'login-needed'; loginUrl: string }
  | { state: 'connected'; issuer: string; scopes: readonly string[]; expiresAt: number | undefined }

interface OAuthClientOptions {
  /** The servers reached over HTTP, as configured now. */
  readonly upstreams: () => readonly ProtectedUpstream[]
  /** Seals what it is given (`createSealedStore`). */
  readonly sealedStore: Store
  readonly urls: () => ClientUrls & { login(server: string, ticket: string): string }
  /** Opens connections to a server and its issuer; without it, as Node does by itself. */
  readonly connections?: UpstreamConnections
  readonly now: () => number
  readonly logger: Logger
  /** A server was connected or disconnected, or began to wait for a login. */
  readonly onChange: (server: string, state: UpstreamAuthStatus['state']) => void
  readonly resolve?: ResolveAddresses
}

export type OAuthClientRole = ReturnType<typeof createOAuthClient>

/**
 * The whole OAuth client: what connections, routes, terminal and admin page use of it. A refused
 * request is judged (`upstream-authorizer.ts`), which finds the issuer and who we are there
 * (`issuer-access.ts`), and may ask for a login (`login.ts`); what comes of it is held, and renewed
 * before it ends (`held-grants.ts`).
 */
export function createOAuthClient(options: OAuthClientOptions) {
  const { now, logger, urls } = options
  const grants = createUpstreamGrants(options.sealedStore)
  const access = createIssuerAccess({ ...options, grants })
  const held = createHeldGrants({ grants, access, now, logger })
  const tickets = createLoginTickets(now)
  const attempts = createLoginAttempts<Login>(now)
  const login = createUpstreamLogin({ grants, held, access, attempts, urls, now })
  /** The challenges of servers that wait for a login. */
  const waiting = new Map<string, LoginChallenge>()
  const find = (server: string) => options.upstreams().find(({ name }) => name === server)
  /** Where a person logs in; valid for an hour. */
  const loginUrl = (server: string) => urls().login(server, tickets.issue(server))

  const authorizer = createUpstreamAuthorizer({
    find,
    held,
    access,
    requireNewScopes: createStepUpLimit(),
    urls,
    now,
    waitingFor: (server) => waiting.get(server),
    onLoginNeeded(server, challenge) {
      const isNews = !waiting.has(server)
      waiting.set(server, challenge)
      if (isNews) options.onChange(server, 'login-needed')
    },
  })

  /** Best effort, as we forget the grant either way. */
  async function revoke(upstream: ProtectedUpstream, grant: UpstreamGrant): Promise<void> {
    const { client, resource } = grant
    // RFC 7009 2.1: with the refresh token go the access tokens made from it.
    const token = grant.refreshToken ?? grant.accessToken
    if (token === undefined) return
    try {
      const fetch = access.fetchFor(upstream)
      const issuer = await discoverIssuer(fetch, client.issuer)
      const { privateKey } = upstream.auth
      await revokeToken({ fetch, issuer, client, privateKey, resource }, token)
    } catch (error) {
      logger.info('the grant was not revoked at its issuer', {
        server: upstream.name,
        reason: messageOf(error),
      })
    }
  }

  return {
    ...authorizer,
    loginUrl,

    /** Answers the login link. */
    async beginLogin({ server, ticket }: { server: string; ticket: string }): Promise<LoginStart> {
      // The ticket first: without one, nobody learns which servers there are.
      if (!tickets.isValid(server, ticket)) return failedPage(loginRefusal('link-expired'))
      const upstream = find(server)
      if (!upstream) return failedPage(loginRefusal('server-unknown'))
      try {
        return await login.begin(upstream, waiting.get(server) ?? noChallenge)
      } catch (error) {
        return failedPage(error, { server, retryUrl: loginUrl(server) })
      }
    },

    /** Answers the redirect URI. Never redirects. */
    async handleCallback(request: CallbackRequest): Promise<PageAnswer> {
      const { upstream, ...answer } = await login.finish(request)
      if (!upstream) logger.info('a login failed', { failure: answer.page.failure })
      else {
        tickets.end(upstream.name)
        waiting.delete(upstream.name)
        logger.info('connected', { server: upstream.name })
        options.onChange(upstream.name, 'connected')
      }
      return answer
    },

    async status(server: string): Promise<UpstreamAuthStatus> {
      const upstream = find(server)
      const grant = upstream && (await held.reload(upstream))
      if (waiting.has(server) || (grant && grant.accessToken === undefined)) {
        return { state: 'login-needed', loginUrl: loginUrl(server) }
      }
      if (!grant) return { state: 'open' }
      const { client, grantedScopes: scopes, expiresAt } = grant
      return { state: 'connected', issuer: client.issuer, scopes, expiresAt }
    },

    /** Forgets a server's tokens and revokes them at their issuer, best effort; false without any. */
    async disconnect(server: string): Promise<boolean> {
      const upstream = find(server)
      const grant = upstream && (await held.reload(upstream))
      if (!upstream || !grant) return false
      await held.forget(upstream)
      await revoke(upstream, grant)
      options.onChange(server, 'open')
      return true
    },

    /** Who must do what because the redirect URI is not the one they logged in with. */
    redirectChanges: (): Promise<RedirectChange[]> =>
      redirectChanges(options.upstreams(), grants, urls().redirectUri),
  }
}
