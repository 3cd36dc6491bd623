import type { Clock } from './clock.ts'
import { after } from './clock-wait.ts'

/** Cuts a wait short. A ring that nobody waited for is kept for the next wait. */
export interface Alarm {
  ring(): void
  /** Resolves with true when it rang, with false after `ms`. @throws the signal's reason */
  wait(ms: number, signal: AbortSignal): Promise<boolean>
}

export function createAlarm(clock: Clock): Alarm {
  let rung = false
  let wake: (() => void) | undefined
  return {
    ring() {
      rung = true
      wake?.()
    },
    wait(ms, signal) {
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
