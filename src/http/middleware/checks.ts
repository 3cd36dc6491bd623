import type { MiddlewareHandler } from 'hono'
import type { HttpContext, HttpEnv } from '../http-env.ts'

/** One thing that must hold before a request is answered: the refusal, or nothing. */
export type Check = (c: HttpContext) => Response | undefined | Promise<Response | undefined>

/**
 * Lets a request on when every check lets it. Each middleware of Hono's costs a call several promises,
 * so checks in a row are one, and those that answer at once are not waited for.
 */
export function checked(...checks: readonly Check[]): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    for (const check of checks) {
      const outcome = check(c)
      const refusal = outcome instanceof Promise ? await outcome : outcome
      if (refusal) return refusal
    }
    return next()
  }
}
