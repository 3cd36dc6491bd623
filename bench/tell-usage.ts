/** What a measured process says of itself. */
export interface Usage {
  /** User and system time, µs. */
  readonly cpuMicros: number
  /** What is still in use after a garbage collection, MiB. */
  readonly heapMiB: number
  readonly rssMiB: number
}

/** Lets whoever started this process measure it; `onGone` is called once they are gone. */
export function tellUsage(url: string, onGone: () => void): void {
  process.on('message', (message) => {
    const { user, system } = process.cpuUsage()
    if (message === 'memory') globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    const usage: Usage = {
      cpuMicros: user + system,
      heapMiB: heapUsed / 2 ** 20,
      rssMiB: rss / 2 ** 20,
    }
    process.send?.({ usage })
  })
  process.on('disconnect', onGone)
  process.send?.({ url })
}
