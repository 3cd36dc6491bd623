import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import type { ProfileSummary } from '../../gateway-events.ts'
import { quoted } from '../../lib/printable.ts'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { Endpoint } from '../../mcp/endpoint/endpoint.ts'
import type { RequestContext } from '../../mcp/endpoint/request-context.ts'
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

const revisions = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26']

/** `/api/mcp/:profile` for every protocol revision, and the deprecated HTTP+SSE pair beside it. */
export function mcpRoutes(deps: McpRouteDeps): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>({ strict: false })
  const access = requireAccess(deps.access)
  const toolScopes = requireToolScopes(deps.access)
  const body = jsonBody(deps.maxBodyBytes)
  const policy = tunnelPolicy(deps.tunnelPolicy)

  function withEndpoint(serve: (endpoint: Endpoint, c: Context<AccessEnv>) => Promise<Response>) {
    return async (c: Context<AccessEnv>) => {
      const name = c.req.param('profile') ?? ''
      const endpoint = deps.endpoint(name)
      if (endpoint) return serve(endpoint, c)
      return rpcErrorResponse(
        404,
        `There is no profile ${quoted(name)}. GET /api/profiles lists those that exist.`,
      )
    }
  }

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
    withEndpoint(async (endpoint, c) => {
      const messages = paths.messages(c.req.param('profile') ?? '')
      await endpoint.sse.open(c.env.outgoing, messages, contextOf(c))
      return RESPONSE_ALREADY_SENT
    }),
  )

  app.post(
    '/api/mcp/:profile/messages',
    access,
    body,
    toolScopes,
    withEndpoint(async (endpoint, c) => {
      const id = c.req.query('sessionId') ?? ''
      const found = await endpoint.sse.receive(id, c.env, contextOf(c))
      return found
        ? RESPONSE_ALREADY_SENT
        : rpcErrorResponse(404, 'Session not found', { code: -32001 })
    }),
  )

  app.all(
    '/api/mcp/:profile',
    access,
    body,
    toolScopes,
    policy,
    withEndpoint((endpoint, c) => endpoint.handle(c.req.raw, contextOf(c))),
  )
  return app
}

function contextOf(c: Context<AccessEnv>): RequestContext {
  return {
    origin: c.get('origin'),
    caller: callerKey(c.get('principal')),
    body: c.get('body'),
  }
}
