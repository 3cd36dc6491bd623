import { Hono } from 'hono'
import { messageOf } from '../errors.ts'
import type { Logger } from '../lib/logger.ts'
import { printableLine } from '../lib/printable.ts'
import { rpcErrorResponse } from '../lib/rpc-error-response.ts'
import type { KnownOrigins } from '../origin/known-origins.ts'
import type { ServerPolicy } from '../tunnels/probe-verdict.ts'
import { adminRoutes } from './admin/admin-routes.ts'
import type { AdminDeps } from './admin/guard.ts'
import type { HttpEnv } from './http-env.ts'
import type { AccessDeps } from './middleware/access.ts'
import { checked } from './middleware/checks.ts'
import { hostGuard } from './middleware/host-guard.ts'
import { localOnly } from './middleware/local-only.ts'
import { identityOnly } from './middleware/negotiation.ts'
import { allowedPages, originGuard } from './middleware/origin-guard.ts'
import { boundedRequests } from './middleware/requests-in-flight.ts'
import { type ConnectPageDeps, connectPageRoutes } from './routes/connect-page-routes.ts'
import { type McpRouteDeps, mcpRoutes } from './routes/mcp-routes.ts'
import { type OAuthRouteDeps, oauthRoutes } from './routes/oauth-routes.ts'
import { type StatusRouteDeps, statusRoutes } from './routes/status-routes.ts'
import { type UpstreamLoginRouteDeps, upstreamLoginRoutes } from './routes/upstream-login-routes.ts'

interface AppDeps
  extends Omit<McpRouteDeps, 'access'>,
    StatusRouteDeps,
    UpstreamLoginRouteDeps,
    Pick<ConnectPageDeps, 'trustFiles'> {
  readonly origins: KnownOrigins
  readonly logger: Logger
  /** The configuration file by a name that strangers may read. */
  readonly configFile: string
  readonly authorization: { readonly access: AccessDeps; readonly routes: OAuthRouteDeps }
  readonly admin: AdminDeps
  /** What the probe of the open tunnel asks of the server. */
  readonly tunnelPolicy: () => ServerPolicy | undefined
  /** Answers the probe's own streams. */
  readonly probeStream: (ticket: string, signal: AbortSignal) => Response
  /** Lets whoever looks at the gateway from this machine open such streams for a minute. */
  readonly probeTicket: () => string
}

/** The whole HTTP surface. The guards come first: nothing is routed for a foreign Host or page. */
export function createApp(deps: AppDeps): Hono<HttpEnv> {
  const { logger, origins } = deps
  const app = new Hono<HttpEnv>({ strict: false })
  const { access, routes } = deps.authorization
  app.use(checked(boundedRequests(access), hostGuard(origins, logger, deps), identityOnly()))
  // Before the pages of others are let in: it has a stricter rule, and is for none of them.
  app.route('/', adminRoutes(deps.admin))
  app.use(checked(originGuard(origins, logger, deps)), allowedPages())
  app.on(['GET', 'POST'], '/api/probe/stream/:ticket', (c) =>
    deps.probeStream(c.req.param('ticket'), c.req.raw.signal),
  )
  const ownersOnly = checked(localOnly(origins))
  app.use('/api/profiles', ownersOnly)
  app.post('/api/probe/ticket', ownersOnly, (c) => c.json({ ticket: deps.probeTicket() }))
  app.route('/', statusRoutes(deps))
  app.route('/', oauthRoutes(routes))
  app.route('/', upstreamLoginRoutes(deps))
  const { platform } = process
  app.route('/', connectPageRoutes({ ...deps, access, content: routes.content, platform }))
  app.route('/', mcpRoutes({ ...deps, access }))
  app.notFound((c) =>
    c.json(
      {
        error: `Nothing is served at ${printableLine(c.req.path)}. Profiles are listed at /api/profiles.`,
      },
      404,
    ),
  )
  app.onError((error) => {
    logger.error('a request failed inside the gateway', { error: messageOf(error) })
    return rpcErrorResponse(500, 'Internal error', { code: -32603 })
  })
  return app
}
