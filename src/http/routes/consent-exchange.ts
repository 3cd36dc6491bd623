import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../../oauth/authorization-server/consent.ts'
import type { HttpContext } from '../http-env.ts'

/** The interaction a request is about, with the two sides that carry its cookie. */
export function exchangeOf(c: HttpContext): Exchange {
  // Hono's types allow HTTP/2 as well, which no listener of ours speaks.
  const incoming = c.env.incoming as IncomingMessage
  const outgoing = c.env.outgoing as ServerResponse
  return { incoming, outgoing, interaction: c.req.param('interaction') ?? '' }
}
