import type { Clock } from './clock.ts'

/** Runs `task` once, `ms` from now, unless the returned function is called before. */
export function after(clock: Clock, ms: number, task: () => void): () => void {
  const cancel = clock.every(ms, () => {
    cancel()
    task()
  })
  return cancel
}

/** Resolves after `ms`, or rejects with the signal's reason; holds neither timer nor listener after. */
export function waitByClock(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = () => {
      cancel()
      reject(signal.reason)
    }
    const cancel = after(clock, ms, () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
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
  const over = aborted(either)
  try {
    return await Promise.race([task(either), over.promise])
  } finally {
    cancel()
    over.forget()
  }
}

/** A promise that rejects with the signal's reason, and a way to stop listening. */
function aborted(signal: AbortSignal): { promise: Promise<never>; forget: () => void } {
  let forget = () => {}
  const promise = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    forget = () => signal.removeEventListener('abort', onAbort)
  })
  // The race may be over before the abort; then nobody else handles this.
  promise.catch(() => {})
  return { promise, forget }
}
