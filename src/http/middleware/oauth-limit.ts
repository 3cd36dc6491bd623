import type { MiddlewareHandler } from 'hono'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Sender } from '../../origin/client-address.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'

/** Requests a minute from one sender, by kind of endpoint. */
export interface OAuthLimits {
  readonly authorize: number
  readonly consent: number
  readonly register: number
  readonly token: number
}

export const defaultOAuthLimits: OAuthLimits = {
  authorize: 30,
  // Pages that wait for a key look every three seconds.
  consent: 120,
  register: 20,
  token: 120,
}

/** Creates the rate limit of each kind of endpoint: 429 with Retry-After beyond it. */
export function oauthLimit(
  limits: OAuthLimits,
  senderOf: (c: HttpContext) => Pick<Sender, 'key'>,
): (kind: keyof OAuthLimits) => MiddlewareHandler<HttpEnv> {
  const limiters = new Map(
    Object.entries(limits).map(([kind, points]) => [
      kind,
      new RateLimiterMemory({ points, duration: 60 }),
    ]),
  )
  return (kind) => async (c, next) => {
    try {
      await limiters.get(kind)?.consume(senderOf(c).key)
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      return Response.json(
        { error: 'temporarily_unavailable', error_description: 'too many requests, try later' },
        { status: 429, headers: { 'retry-after': String(Math.ceil(refused.msBeforeNext / 1000)) } },
      )
    }
    return next()
  }
}
