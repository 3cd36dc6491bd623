import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { wait } from '../../src/lib/clock.ts'
import { childrenOf } from '../fixtures/processes.ts'

/** What this process holds, after a garbage collection. */
export interface Footprint {
  /** Active handles and timers, by kind. */
  readonly handles: ReadonlyMap<string, number>
  readonly children: number
  readonly heapMiB: number
  readonly rssMiB: number
}

/** What was killed takes a moment to be gone, ms. */
const settleMs = 5_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Takes a footprint, waiting while there is more of anything than in `before`. */
export async function takeSettledFootprint(before?: Footprint): Promise<Footprint> {
  const deadline = performance.now() + settleMs
  for (;;) {
    await wait(100)
    const now = takeFootprint()
    const isSettled = before !== undefined && findLeftovers(before, now).length === 0
    if (isSettled || performance.now() > deadline) return now
  }
}

/** The processes, sockets and timers of which there are more than before, in words. */
export function findLeftovers(before: Footprint, after: Footprint): string[] {
  const left = [...after.handles].flatMap(([kind, count]) => {
    const more = count - (before.handles.get(kind) ?? 0)
    return more > 0 ? [`${more} ${kind}`] : []
  })
  const processes = after.children - before.children
  return processes > 0 ? [...left, `${processes} processes`] : left
}

function takeFootprint(): Footprint {
  collectGarbage()
  const handles = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    handles.set(kind, (handles.get(kind) ?? 0) + 1)
  }
  const { heapUsed, rss } = process.memoryUsage()
  const mib = 1024 * 1024
  return {
    handles,
    children: childrenOf(process.pid).length,
    heapMiB: heapUsed / mib,
    rssMiB: rss / mib,
  }
}
