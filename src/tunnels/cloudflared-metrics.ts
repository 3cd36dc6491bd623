import { wait } from '../lib/clock.ts'
import { readLoopbackJson } from './loopback-json.ts'

const openingPollMs = 100
const openPollMs = 1_000

/** What the metrics endpoint of a running cloudflared tells, without a look at its log. */
export interface CloudflaredMetrics {
  /** Resolves when the first connection to the edge is registered. */
  untilReady(): Promise<void>
  /** The host name of a quick tunnel. */
  quickHostname(): Promise<string | undefined>
  /** Resolves when it has had no connection to the edge for `patienceMs`. */
  untilUnready(patienceMs: number): Promise<void>
}

/** Reads the metrics endpoint on a loopback port. Every wait rejects when `life` ends. */
export function createCloudflaredMetrics(port: number, life: AbortSignal): CloudflaredMetrics {
  const read = (path: string) => readLoopbackJson(`http://127.0.0.1:${port}/${path}`, life)
  const isReady = async () => (await read('ready'))?.status === 200
  return {
    async untilReady() {
      while (!(await isReady())) await wait(openingPollMs, life)
    },
    async quickHostname() {
      const answer = await read('quicktunnel')
      return (answer?.body as { hostname?: string } | undefined)?.hostname || undefined
    },
    async untilUnready(patienceMs) {
      // Not the time of day, which jumps when the machine wakes up.
      let lastReady = performance.now()
      while (performance.now() - lastReady < patienceMs) {
        await wait(Math.min(openPollMs, patienceMs), life)
        if (await isReady()) lastReady = performance.now()
      }
    },
  }
}
