import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import type { ProfileSummary } from '../../gateway-events.ts'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { Endpoint } from '../../mcp/endpoint/endpoint.ts'
import type { HttpExchange } from '../../mcp/endpoint/http-exchange.ts'
import { revisions } from '../../mcp/wire/protocol.ts'
import { callerKey } from '../../oauth/resource-server/caller-key.ts'
import { paths } from '../../origin/public-urls.ts'
import type { ServerPolicy } from '../../tunnels/server-policy.ts'
import {
  type AccessDeps,
  type AccessEnv,
  requireAccess,
  requireToolScopes,
} from '../middleware/access.ts'
import { jsonBody } from '../middleware/json-body.ts'
import { tunnelPolicy } from '../middleware/tunnel-policy.ts'

export interface McpRouteDeps {
  endpoint(profile: string): Endpoint | undefined
  summary(profile: string, origin: string): ProfileSummary | undefined
  readonly tunnelPolicy: () => ServerPolicy | undefined
  readonly access: AccessDeps
  /** Largest request body, bytes. */
  readonly maxBodyBytes: () => number
}

/** `/api/mcp/:profile` for every protocol revision, and the deprecated HTTP+SSE pair beside it. */
export function mcpRoutes(deps: McpRouteDeps): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>({ strict: false })
  const access = requireAccess(deps.access)
  const toolScopes = requireToolScopes(deps.access)
  const body = jsonBody(deps.maxBodyBytes)
  const policy = tunnelPolicy(deps.tunnelPolicy)

  /** Answers on the socket itself: what passes is bytes, and web streams would cost as much again. */
  function withEndpoint(
    serve: (endpoint: Endpoint, exchange: HttpExchange, c: Context<AccessEnv>) => void,
  ) {
    return (c: Context<AccessEnv>) => {
      const name = c.req.param('profile') ?? ''
      const endpoint = deps.endpoint(name)
      if (!endpoint) {
        return rpcErrorResponse(
          404,
          `There is no profile ${JSON.stringify(name)}. GET /api/profiles lists those that exist.`,
        )
      }
      serve(endpoint, exchangeOf(c), c)
      return RESPONSE_ALREADY_SENT
    }
  }

  app.use('/api/mcp/:profile', onlyMethods('GET', 'POST', 'DELETE'))
  app.use('/api/mcp/:profile/sse', onlyMethods('GET'))
  app.use('/api/mcp/:profile/messages', onlyMethods('POST'))

  app.get('/api/mcp/:profile/info', access, (c) => {
    const summary = deps.summary(c.req.param('profile'), c.get('origin'))
    if (!summary) return rpcErrorResponse(404, 'There is no such profile.')
    return c.json({
      ...summary,
      protocolVersions: revisions,
      transports: ['streamable-http', 'sse'],
    })
  })

  app.get(
    '/api/mcp/:profile/sse',
    access,
    policy,
    withEndpoint((endpoint, exchange, c) =>
      endpoint.openSse(exchange, paths.messages(c.req.param('profile') ?? '')),
    ),
  )

  app.post(
    '/api/mcp/:profile/messages',
    access,
    body,
    toolScopes,
    withEndpoint((endpoint, exchange, c) =>
      endpoint.receiveSse(exchange, c.req.query('sessionId') ?? ''),
    ),
  )

  app.all(
    '/api/mcp/:profile',
    access,
    body,
    toolScopes,
    policy,
    withEndpoint((endpoint, exchange) => endpoint.handle(exchange)),
  )
  return app
}

/** 405 for any other (RFC 9110 15.5.6). A HEAD would open a session's stream, and leave it. */
function onlyMethods(...allowed: string[]): MiddlewareHandler<AccessEnv> {
  return async (c, next) => {
    if (allowed.includes(c.req.method)) return next()
    const allow = allowed.join(', ')
    return rpcErrorResponse(405, `Method Not Allowed: this address knows ${allow}`, {
      headers: { allow },
    })
  }
}

function exchangeOf(c: Context<AccessEnv>): HttpExchange {
  const { incoming, outgoing } = c.env
  // What CORS says of a page that was let in.
  if (incoming.headers.origin !== undefined) {
    for (const [name, value] of c.res.headers) outgoing.setHeader(name, value)
  }
  const text = c.get('text')
  return {
    incoming,
    outgoing,
    origin: c.get('origin'),
    principal: callerKey(c.get('principal')),
    body: text === undefined ? undefined : { text, value: c.get('body') },
  }
}
