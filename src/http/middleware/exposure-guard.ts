import type { MiddlewareHandler } from 'hono'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { KnownOrigins } from '../../origin/known-origins.ts'
import { mayServe } from '../../origin/may-serve.ts'
import type { HttpEnv } from '../http-env.ts'

/**
 * Refuses a profile that asks callers for nothing wherever others than this machine can reach it.
 * The listener decides: what came through a tunnel is never local, whatever its headers say.
 */
export function exposureGuard(
  origins: KnownOrigins,
  options: { allowAnonymous: boolean },
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const exposure = origins.exposureOf(c.env.listener)
    const name = c.req.param('profile') ?? 'default'
    const decision = mayServe({ name, auth: 'none' }, { exposure, ...options })
    return decision.ok ? next() : rpcErrorResponse(403, `${decision.message} ${decision.hint}`)
  }
}
