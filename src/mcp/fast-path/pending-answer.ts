import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client'

/** An answer that is waited for. It settles once, whatever is told afterwards. */
export interface PendingAnswer<T> {
  readonly promise: Promise<T>
  readonly isSettled: boolean
  resolve(value: T): void
  reject(error: Error): void
  /** Starts the time limit anew. */
  prolong(): void
}

/**
 * Waits for an answer within a time limit, and for as long as the caller wants it.
 * @param onCancelled called, after the promise was rejected as the SDK would, when either is over
 */
export function openPendingAnswer<T>(
  limits: { timeoutMs: number; signal?: AbortSignal | undefined },
  onCancelled: (reason: Error) => void,
): PendingAnswer<T> {
  const { timeoutMs, signal } = limits
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let isSettled = false

  function settle(): boolean {
    if (isSettled) return false
    isSettled = true
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    return true
  }
  function cancel(reason: SdkError): void {
    if (!settle()) return
    reject(reason)
    onCancelled(reason)
  }
  function onAbort(): void {
    const reason: unknown = signal?.reason
    cancel(
      reason instanceof SdkError
        ? reason
        : new SdkError(SdkErrorCode.RequestTimeout, String(reason)),
    )
  }

  const timer = setTimeout(() => {
    const data = { timeout: timeoutMs }
    cancel(new SdkError(SdkErrorCode.RequestTimeout, 'Request timed out', data))
  }, timeoutMs)
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })

  return {
    promise,
    get isSettled() {
      return isSettled
    },
    resolve(value) {
      if (settle()) resolve(value)
    },
    reject(error) {
      if (settle()) reject(error)
    },
    prolong: () => void timer.refresh(),
  }
}
