import { createBoundedCounts } from '../../lib/bounded-counts.ts'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { HttpContext } from '../http-env.ts'
import type { Check } from './checks.ts'

/** Connections of one source at a listener that others reach, and its requests in a tunnel. */
export const maxPerSource = 256

/**
 * Bounds the requests that one source has open in the tunnel, stalled ones and streams included. All
 * its connections come from the tunnel's own client on this machine, so they say nothing of who it is:
 * requests are counted, by the address that the tunnel's edge names. Where it names none, all who come
 * through it are one source.
 */
export function boundedRequests(options: {
  sourceOf: (c: HttpContext) => string
  max?: number
}): Check {
  const { sourceOf, max = maxPerSource } = options
  const counts = createBoundedCounts(max)
  return (c) => {
    if (c.env.listener !== 'tunnel') return undefined
    const leave = counts.enter(sourceOf(c))
    if (!leave) {
      return rpcErrorResponse(429, `Too Many Requests: ${max} of yours are open.`, {
        headers: { 'retry-after': '5', connection: 'close' },
      })
    }
    c.env.outgoing.once('close', leave)
    return undefined
  }
}
