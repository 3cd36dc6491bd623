import { setTimeout as delay } from 'node:timers/promises'

/** Time as an argument, so that tests decide what time it is and when timers fire. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Runs `task` every `ms` milliseconds until the returned function is called. */
  every(ms: number, task: () => void): () => void
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: Date.now,
  every: (ms, task) => {
    const timer = setInterval(task, ms).unref()
    return () => clearInterval(timer)
  },
}

/** Runs `task` once, `ms` from now, unless the returned function is called before. */
export function after(clock: Clock, ms: number, task: () => void): () => void {
  const cancel = clock.every(ms, () => {
    cancel()
    task()
  })
  return cancel
}

/** Resolves after `ms`, or rejects with the signal's reason; holds neither timer nor listener after. */
export async function waitByClock(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await createAlarm(clock).wait(ms, signal)
}

/** Cuts a wait short. A ring that nobody waited for is kept for the next wait. */
export type Alarm = ReturnType<typeof createAlarm>

export function createAlarm(clock: Clock) {
  let rung = false
  let wake: (() => void) | undefined
  return {
    ring() {
      rung = true
      wake?.()
    },
    /** Resolves with true when it rang, with false after `ms`. @throws the signal's reason */
    wait(ms: number, signal: AbortSignal): Promise<boolean> {
      return new Promise((resolve, reject) => {
        const settle = () => {
          cancel()
          wake = undefined
          signal.removeEventListener('abort', settle)
          const wasRung = rung
          rung = false
          if (signal.aborted) reject(signal.reason)
          else resolve(wasRung)
        }
        const cancel = after(clock, ms, settle)
        wake = settle
        signal.addEventListener('abort', settle, { once: true })
        if (rung || signal.aborted) settle()
      })
    },
  }
}

/** The reason of a signal whose time ran out. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/**
 * Runs `task` under a signal that aborts with the parent, or with a DeadlineError after `ms`. Rejects
 * at that moment even when the task does not listen; what it then still does is not waited for.
 */
export async function withDeadline<T>(
  task: (signal: AbortSignal) => Promise<T>,
  { clock, ms, signal }: { clock: Clock; ms: number; signal: AbortSignal },
): Promise<T> {
  signal.throwIfAborted()
  const late = new AbortController()
  const either = AbortSignal.any([signal, late.signal])
  const seconds = Math.round(ms / 100) / 10
  const cancel = after(clock, ms, () =>
    late.abort(new DeadlineError(`nothing came within ${seconds} s`)),
  )
  try {
    return await untilAborted(task(either), either)
  } finally {
    cancel()
  }
}

/** Settles as `work` does, or rejects with the signal's reason at once; the work itself goes on. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Resolves after `ms` of the machine's own time, or rejects with the signal's reason. */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  // Node's own rejects with an error around the reason.
  await delay(ms, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
}

/** Whether `promise` settles within `ms`. It goes on either way; its rejection is not reported. */
export function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    const settled = () => {
      clearTimeout(timer)
      resolve(true)
    }
    promise.then(settled, settled)
  })
}

/**
 * Delay before attempt number `attempt` (0 is the first retry), in ms: doubles from `firstMs` up to
 * `maxMs`, then loses up to a quarter by `random` (0..1) so that many waiters do not move as one.
 */
export function backoffDelay(
  attempt: number,
  options: { firstMs: number; maxMs: number; random: () => number },
): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt, 30))
  return Math.round(full * (1 - options.random() / 4))
}
