import type { MiddlewareHandler } from 'hono'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { KnownOrigins } from '../../origin/known-origins.ts'
import type { HttpEnv } from '../http-env.ts'

/** For what concerns the owner alone: the listener decides, so no tunnel leads here. */
export function localOnly({
  exposureOf,
}: Pick<KnownOrigins, 'exposureOf'>): MiddlewareHandler<HttpEnv> {
  return async (c, next) =>
    exposureOf(c.env.listener) === 'loopback'
      ? next()
      : rpcErrorResponse(403, 'This is answered on the machine of the gateway only.')
}
