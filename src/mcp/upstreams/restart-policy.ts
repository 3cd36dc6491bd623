import { backoffDelay } from '../../lib/clock.ts'

/** A connection that held so long was healthy: its failures are forgotten, ms. */
const healthyMs = 10_000
/** Failures in a row after which a call no longer starts the upstream by itself. */
const patience = 3

export interface RestartPolicyOptions {
  readonly now: () => number
  readonly random: () => number
}

/** Counts failures in a row and says when to try again: 0.5 s, doubling to 60 s. */
export function createRestartPolicy({ now, random }: RestartPolicyOptions) {
  let failures = 0
  let openedAt: number | undefined
  let nextAttemptAt = 0
  return {
    opened(): void {
      openedAt = now()
    },
    /** Notes a failure and returns the delay before the next attempt, ms. */
    failed(): number {
      if (openedAt !== undefined && now() - openedAt >= healthyMs) failures = 0
      openedAt = undefined
      const delay = backoffDelay(failures, { firstMs: 500, maxMs: 60_000, random })
      failures += 1
      nextAttemptAt = now() + delay
      return delay
    },
    /** Why a call must not start the upstream now, or undefined when it may. */
    refusal(): string | undefined {
      const remaining = nextAttemptAt - now()
      if (failures < patience || remaining <= 0) return undefined
      return `it failed ${failures} times in a row; the next attempt is in ${Math.ceil(remaining / 1000)} s`
    },
    reset(): void {
      failures = 0
      nextAttemptAt = 0
      openedAt = undefined
    },
  }
}
