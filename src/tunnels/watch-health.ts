import { type Alarm, type Clock, waitByClock } from '../lib/clock.ts'
import type { Health } from './tunnel-edge.ts'

/** Time between two checks, give or take a fifth, ms. */
const everyMs = 15_000
/** One failed check may be an accident; the second comes after this, ms. */
const againMs = 500
/** How often a machine without network looks whether it is back, ms. */
const offlineMs = 1_000

export interface HealthOptions {
  readonly check: (signal: AbortSignal) => Promise<Health>
  readonly isOnline: (signal: AbortSignal) => Promise<boolean>
  readonly alarm: Alarm
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
}

/**
 * Checks a tunnel now and then, and at once when the alarm rings. Resolves with what was wrong when
 * two checks in a row fail. Without network nothing can be said, and a client that is left alone
 * may keep its name, so then the return of the network is waited for. @throws the signal's reason
 */
export async function watchHealth(options: HealthOptions): Promise<string> {
  const { isOnline, alarm, random, signal } = options
  for (;;) {
    await alarm.wait(everyMs * (0.8 + random() * 0.4), signal)
    const problem = await findProblem(options)
    if (problem === undefined) continue
    if (await isOnline(signal)) return problem
    while (!(await isOnline(signal))) await alarm.wait(offlineMs, signal)
    alarm.ring()
  }
}

async function findProblem({ check, clock, signal }: HealthOptions): Promise<string | undefined> {
  if ((await check(signal)).ok) return undefined
  await waitByClock(clock, againMs, signal)
  const health = await check(signal)
  signal.throwIfAborted()
  return health.ok ? undefined : health.reason
}
