import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { Logger } from '../../lib/logger.ts'
import { quoted } from '../../lib/printable.ts'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { KnownOrigins } from '../../origin/known-origins.ts'
import { isForeignPage } from '../browser-requests.ts'
import type { HttpEnv } from '../http-env.ts'
import type { Check } from './checks.ts'

/**
 * Refuses browser pages of other origins with 403, as MCP 2025-11-25 Transports requires, also where
 * their browser does not name them.
 */
export function originGuard(
  origins: KnownOrigins,
  logger: Logger,
  { configFile }: { readonly configFile: string },
): Check {
  return (c) => {
    const header = (name: string) => c.req.header(name)
    const allows = (page: string) => origins.allowsCaller(c.env.listener, page)
    if (!isForeignPage({ method: c.req.method, header }, allows)) return undefined
    const caller = header('origin')
    logger.warn('blocked a request of a foreign page', { origin: caller })
    return rpcErrorResponse(
      403,
      caller === undefined
        ? 'Blocked a request of another site that does not name its origin. ' +
            `A page in "allowedOrigins" of ${configFile} names it by calling with CORS.`
        : `Blocked a request from a page of ${quoted(caller)}: this origin is not allowed. ` +
            `Add it to "allowedOrigins" in ${configFile}.`,
    )
  }
}

/** CORS for the pages the origin guard let through. */
export function allowedPages(): MiddlewareHandler<HttpEnv> {
  const allow = cors({
    origin: (origin) => origin,
    allowMethods: ['GET', 'POST', 'DELETE', 'OPTIONS'],
    exposeHeaders: ['Mcp-Session-Id', 'MCP-Protocol-Version', 'WWW-Authenticate'],
    maxAge: 600,
  })
  // A POST that no page sent is told nothing about pages: its answer is never cached for one.
  return (c, next) =>
    c.req.method === 'POST' && c.req.header('origin') === undefined ? next() : allow(c, next)
}
