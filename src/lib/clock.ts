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
