import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import type { ProfileSummary } from '../../gateway-events.ts'
import { quoted } from '../../lib/printable.ts'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { Endpoint } from '../../mcp/endpoint/endpoint.ts'
import type { HttpExchange } from '../../mcp/endpoint/http-exchange.ts'
import { revisions } from '../../mcp/wire/protocol.ts'
import { callerKey } from '../../oauth/resource-server/access-control.ts'
import { paths } from '../../origin/public-urls.ts'
import type { ServerPolicy } from '../../tunnels/probe-verdict.ts'
import { isBrowserVisit } from '../browser-requests.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'
import { type AccessDeps, requireAccess, requireToolScopes } from '../middleware/access.ts'
import { type Check, checked } from '../middleware/checks.ts'
import { jsonBody, messages } from '../middleware/json-body.ts'
import { onlyMethods } from '../middleware/negotiation.ts'
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
export function mcpRoutes(deps: McpRouteDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>({ strict: false })
  const profile = requireProfile(deps)
  const access = requireAccess(deps.access)
  const toolScopes = requireToolScopes(deps.access)
  const body = jsonBody(deps.maxBodyBytes)
  const policy = tunnelPolicy(deps.tunnelPolicy)

  const mayAsk = checked(onlyMethods('GET', 'HEAD'), profile, access)
  app.all('/api/mcp/:profile/info', mayAsk, (c) => {
    const summary = deps.summary(c.req.param('profile'), c.get('origin'))
    if (!summary) return rpcErrorResponse(404, 'There is no such profile.')
    return c.json({
      ...summary,
      protocolVersions: revisions,
      transports: ['streamable-http', 'sse'],
    })
  })

  const mayListen = checked(onlyMethods('GET'), profile, access, policy)
  app.all('/api/mcp/:profile/sse', mayListen, (c) => {
    // A link on any page leads here; what it opened would hold a session.
    if (isBrowserVisit((name) => c.req.header(name))) {
      return rpcErrorResponse(406, 'Not Acceptable: this is an event stream for MCP clients.')
    }
    c.get('endpoint').openSse(exchangeOf(c), paths.messages(c.req.param('profile')))
    return RESPONSE_ALREADY_SENT
  })

  const mayPost = checked(
    onlyMethods('POST'),
    profile,
    access,
    body,
    messages({ answers: false }),
    toolScopes,
  )
  app.all('/api/mcp/:profile/messages', mayPost, (c) => {
    c.get('endpoint').receiveSse(exchangeOf(c), c.req.query('sessionId') ?? '')
    return RESPONSE_ALREADY_SENT
  })

  const mayCall = checked(
    onlyMethods('GET', 'POST', 'DELETE'),
    profile,
    access,
    body,
    messages({ answers: true }),
    toolScopes,
    policy,
  )
  app.all('/api/mcp/:profile', mayCall, (c) => {
    c.get('endpoint').handle(exchangeOf(c))
    return RESPONSE_ALREADY_SENT
  })
  return app
}

/** Before anything else is asked or read: a profile that does not exist has nothing to protect. */
function requireProfile({ endpoint }: McpRouteDeps): Check {
  return (c) => {
    const name = c.req.param('profile') ?? ''
    const found = endpoint(name)
    if (!found) {
      return rpcErrorResponse(
        404,
        `There is no profile ${quoted(name)}. GET /api/profiles lists those that exist.`,
      )
    }
    c.set('endpoint', found)
    return undefined
  }
}

/** Answered on the socket itself: what passes is bytes, and web streams would cost as much again. */
function exchangeOf(c: HttpContext): HttpExchange {
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
