import type { Clock } from '../../../src/lib/clock.ts'

/** A clock that stands still until it is told how far to go. */
export interface FakeClock extends Clock {
  /** Goes on by `ms`, firing timers in order, and lets what they set off settle. */
  advance(ms: number): Promise<void>
  /** Goes on without firing anything in between, as a machine that sleeps does. */
  sleep(ms: number): void
  /** Timers that are set. */
  timers(): number
}

export function createFakeClock(): FakeClock {
  let now = 1_000_000
  const timers = new Set<{ at: number; ms: number; task: () => void }>()
  return {
    now: () => now,
    every(ms, task) {
      const timer = { at: now + ms, ms, task }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const end = now + ms
      await settle()
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        now = Math.max(now, next.at)
        next.at = now + Math.max(1, next.ms)
        next.task()
        await settle()
      }
      now = end
    },
    sleep(ms) {
      now += ms
    },
    timers: () => timers.size,
  }
}

/** Lets every promise that can settle without time or I/O do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
