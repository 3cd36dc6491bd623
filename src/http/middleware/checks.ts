import type { MiddlewareHandler } from 'hono'
import type { HttpContext, HttpEnv } from '../http-env.ts'

/** One thing that must hold before a request is answered: the refusal, or nothing. */
export type Check = (c: HttpContext) => Response | undefined | Promise<Response | undefined>

/**
 * Lets a request on when every check lets it. Each middleware of Hono's costs a call several promises,
 * so checks in a row are one, and those that answer at once are not waited for.
 */
export function checked(...checks: readonly Check[]): MiddlewareHandler<HttpEnv> {
  return (c, next) => {
    const from = (start: number): ReturnType<MiddlewareHandler> => {
      for (let index = start; index < checks.length; index += 1) {
        const outcome = checks[index]?.(c)
        if (outcome instanceof Promise) {
          return outcome.then((refusal) => refusal ?? from(index + 1))
        }
        if (outcome) return Promise.resolve(outcome)
      }
      return next()
    }
    return from(0)
  }
}
