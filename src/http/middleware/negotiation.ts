import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { Check } from './checks.ts'

/** Refuses a body that is compressed (RFC 9110 15.5.16): its limit counts bytes as they are sent. */
export function identityOnly(): Check {
  return (c) => {
    const coding = c.req.header('content-encoding')?.trim().toLowerCase() ?? 'identity'
    if (coding === 'identity' || coding === '') return undefined
    return rpcErrorResponse(415, 'Unsupported Media Type: send the body without Content-Encoding', {
      headers: { 'accept-encoding': 'identity', connection: 'close' },
    })
  }
}

/** Answers other methods with 405; HEAD is one of its own here, as a GET may open a stream. */
export function onlyMethods(...allowed: readonly string[]): Check {
  return (c) =>
    allowed.includes(c.req.method)
      ? undefined
      : rpcErrorResponse(405, `Method Not Allowed: ${c.req.method}`, {
          headers: { allow: allowed.join(', ') },
        })
}
