import { type Clock, waitByClock } from '../lib/clock.ts'
import { type EdgeView, isImprovement } from './edge-view.ts'

/** Time between two looks, ms. The target is to serve again within 5 s of the edge being back. */
const everyMs = 1_000

/**
 * Looks at the edge of a tunnel that is down, so that its return is not slept through. Resolves when
 * the signal aborts.
 */
export async function watchEdge(options: {
  look: (signal: AbortSignal) => Promise<EdgeView>
  onImproved: () => void
  clock: Clock
  random: () => number
  signal: AbortSignal
}): Promise<void> {
  const { look, onImproved, clock, random, signal } = options
  let known: EdgeView | undefined
  while (!signal.aborted) {
    const seen = await look(signal)
    if (signal.aborted) return
    if (known !== undefined && isImprovement(known, seen)) onImproved()
    known = seen
    await waitByClock(clock, everyMs * (1 - random() / 4), signal).catch(() => {
      // Aborted, which the loop sees.
    })
  }
}
