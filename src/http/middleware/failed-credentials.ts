import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { isLoopbackAddress } from '../../lib/hosts.ts'
import type { Logger } from '../../lib/logger.ts'

/** Wrong credentials that one source may send in a minute. */
const perMinute = 30
const windowSeconds = 60

export type FailedCredentials = ReturnType<typeof createFailedCredentials>

/**
 * Counts wrong credentials by source. The first of a minute is a warning; past the limit a source is
 * told to wait, its right ones included. This machine, and clients of a tunnel that names none, are
 * one source for strangers and owner alike, so there right credentials are good at any time.
 */
export function createFailedCredentials(logger: Pick<Logger, 'warn'>) {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: windowSeconds })

  return {
    /** How long the source has to wait before it is listened to, seconds. */
    async lockedFor(source: string): Promise<number | undefined> {
      if (isLoopbackAddress(source)) return undefined
      const counted = await limiter.get(source)
      return counted && counted.consumedPoints >= perMinute ? secondsOf(counted) : undefined
    },
    /** Counts a failure; the same once that is over the limit. */
    async count(
      source: string,
      about: { profile: string; reason: string },
    ): Promise<number | undefined> {
      try {
        const { consumedPoints } = await limiter.consume(source)
        if (consumedPoints === 1) {
          logger.warn('refused wrong credentials; more of this source go unsaid for a minute', {
            source,
            ...about,
          })
        }
        return undefined
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return secondsOf(refused)
        throw refused
      }
    },
  }
}

function secondsOf({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000))
}
