import type { Clock } from '../../lib/clock.ts'
import type { ResolveAddresses } from '../../lib/guarded-fetch.ts'
import type { Logger } from '../../lib/logger.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import type { Store } from '../../store/store.ts'
import type { Login } from './authorization-request.ts'
import { type Demand, nothingDemanded } from './demand.ts'
import { createGrantKeeper } from './grant-keeper.ts'
import { createGrantStore } from './grant-store.ts'
import { type ClientUrls, createIssuerAccess } from './issuer-access.ts'
import { createLoginAttempts } from './login-attempts.ts'
import { failedPage, loginRefusal, type PageAnswer } from './login-page.ts'
import { createLoginTickets } from './login-tickets.ts'
import { type RedirectChange, redirectChanges } from './redirect-changes.ts'
import { revokeGrant } from './revoke-grant.ts'
import { createStepUpLimit } from './step-up-limit.ts'
import { createUpstreamAuthorizer, type UpstreamAuthorizer } from './upstream-authorizer.ts'
import type { ProtectedUpstream } from './upstream-client.ts'
import { type CallbackRequest, createUpstreamLogin, type LoginStart } from './upstream-login.ts'

export type UpstreamAuthStatus =
  /** It has not asked for a login so far. */
  | { state: 'open' }
  | { state: 'login-needed'; loginUrl: string }
  | { state: 'connected'; issuer: string; scopes: readonly string[]; expiresAt: number | undefined }

/** The whole OAuth client: what connections, routes, terminal and admin page use of it. */
export interface OAuthClientRole extends UpstreamAuthorizer {
  /** Answers the login link. */
  beginLogin(link: { server: string; ticket: string }): Promise<LoginStart>
  /** Answers the redirect URI. Never redirects. */
  handleCallback(request: CallbackRequest): Promise<PageAnswer>
  status(server: string): Promise<UpstreamAuthStatus>
  /** Forgets a server's tokens and revokes them at their issuer, best effort. */
  disconnect(server: string): Promise<void>
  /** Who must do what because the redirect URI is not the one they logged in with. */
  redirectChanges(): Promise<RedirectChange[]>
}

export interface OAuthClientOptions {
  /** The servers reached over HTTP, as configured now. */
  readonly upstreams: () => readonly ProtectedUpstream[]
  /** Seals what it is given (`createSealedStore`). */
  readonly sealedStore: Store
  readonly urls: () => ClientUrls & { login(server: string, ticket: string): string }
  /** Opens connections to a server and its issuer; without it, as Node does by itself. */
  readonly connections?: UpstreamConnections
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
  /** A server was connected or disconnected, or began to wait for a login. */
  readonly onChange: (server: string, state: UpstreamAuthStatus['state']) => void
  readonly resolve?: ResolveAddresses
}

export function createOAuthClient(options: OAuthClientOptions): OAuthClientRole {
  const { clock, logger, urls } = options
  const now = () => clock.now()
  const grants = createGrantStore(options.sealedStore)
  const access = createIssuerAccess({ ...options, grants, now })
  const keeper = createGrantKeeper({ grants, access, clock, logger })
  const tickets = createLoginTickets(now)
  const attempts = createLoginAttempts<Login>(now)
  const login = createUpstreamLogin({ grants, keeper, access, attempts, urls, now })
  /** What servers demanded that wait for a login. */
  const waiting = new Map<string, Demand>()
  const find = (server: string) => options.upstreams().find(({ name }) => name === server)
  const loginUrl = (server: string) => urls().login(server, tickets.issue(server))

  const authorizer = createUpstreamAuthorizer({
    find,
    keeper,
    access,
    stepUps: createStepUpLimit(),
    urls,
    now,
    demandOn: (server) => waiting.get(server),
    onLoginNeeded(server, demand) {
      const isNews = !waiting.has(server)
      waiting.set(server, demand)
      if (isNews) options.onChange(server, 'login-needed')
    },
  })

  return {
    ...authorizer,
    loginUrl,

    async beginLogin({ server, ticket }) {
      // The ticket first: without one, nobody learns which servers there are.
      if (!tickets.isValid(server, ticket)) return failedPage(loginRefusal('link-expired'))
      const upstream = find(server)
      if (!upstream) return failedPage(loginRefusal('server-unknown'))
      try {
        return await login.begin(upstream, waiting.get(server) ?? nothingDemanded)
      } catch (error) {
        return failedPage(error, { server, retryUrl: loginUrl(server) })
      }
    },

    async handleCallback(request) {
      const { upstream, ...answer } = await login.finish(request)
      if (upstream) {
        tickets.end(upstream.name)
        waiting.delete(upstream.name)
        logger.info('connected', { server: upstream.name })
        options.onChange(upstream.name, 'connected')
      }
      return answer
    },

    async status(server) {
      const upstream = find(server)
      const grant = upstream && (await keeper.reload(upstream))
      if (waiting.has(server) || (grant && grant.accessToken === undefined)) {
        return { state: 'login-needed', loginUrl: loginUrl(server) }
      }
      if (!grant) return { state: 'open' }
      const { client, grantedScopes: scopes, expiresAt } = grant
      return { state: 'connected', issuer: client.issuer, scopes, expiresAt }
    },

    async disconnect(server) {
      const upstream = find(server)
      const grant = upstream && (await keeper.reload(upstream))
      if (!upstream || !grant) return
      await keeper.forget(upstream)
      await revokeGrant(upstream, grant, { access, logger })
      options.onChange(server, 'open')
    },

    redirectChanges: () => redirectChanges(options.upstreams(), grants, urls().redirectUri),
  }
}
