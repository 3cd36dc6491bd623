import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { ServerPolicy } from '../../tunnels/probe-verdict.ts'
import type { HttpContext } from '../http-env.ts'
import type { Check } from './checks.ts'

/**
 * Shapes what comes through the tunnel by what its probe found: GET is answered 405 where the edge
 * would hold the stream back (MCP allows that), and no more streams are held open than it carries.
 */
export function tunnelPolicy(policy: () => ServerPolicy | undefined): Check {
  let held = 0
  return (c) => {
    const current = c.env.listener === 'tunnel' ? policy() : undefined
    if (!current || !holdsStream(c)) return undefined
    if (c.req.method === 'GET' && current.getStreams === 'refused') {
      return rpcErrorResponse(405, 'This tunnel holds GET streams back, so there are none.', {
        headers: { allow: 'POST, DELETE' },
      })
    }
    if (held >= current.maxHeldStreams) {
      return rpcErrorResponse(
        503,
        `The tunnel carries ${current.maxHeldStreams} streams at once.`,
        {
          headers: { 'retry-after': '5' },
        },
      )
    }
    held += 1
    c.env.outgoing.once('close', () => {
      held -= 1
    })
    return undefined
  }
}

/** Streams that stay open by themselves: GET, and the subscriptions of 2026-07-28. */
function holdsStream(c: HttpContext): boolean {
  const messages = c.get('messages') ?? []
  return c.req.method === 'GET' || messages.some(({ asked }) => asked.kind === 'resources')
}
