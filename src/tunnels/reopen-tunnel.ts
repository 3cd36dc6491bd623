import { UserError } from '../errors.ts'
import { backoffDelay, type Clock, waitByClock } from '../lib/clock.ts'
import {
  openInOrder,
  openProven,
  type ProvenTunnel,
  type TunnelContext,
  type TunnelEntry,
} from './open-tunnel.ts'
import { type EdgeView, isImprovement } from './tunnel-edge.ts'
import type { OpenFailure } from './tunnel-status.ts'

/** A tunnel that worked and no longer does. It is closed already. */
export interface LostTunnel {
  readonly entry: TunnelEntry
  readonly publicUrl: string
  readonly failure: OpenFailure
  /** Reopenings that did not last, which count for the pace. */
  readonly attempt: number
  /** The user asked for it, so there is nothing to wait for. */
  readonly asked: boolean
  /** The service said that trying again will not help. */
  readonly final: boolean
}

const exhausted =
  'No tunnel can be opened at present; local addresses go on, and it is tried again.'
const pace = { firstMs: 500, maxMs: 30_000 }
const patience = 3
/** An attempt that began before the edge came back gets so long to notice, ms. */
const graceMs = 1_000
/** Time between two looks, ms. The target is to serve again within 5 s of the edge being back. */
const lookEveryMs = 1_000

/** Opens a lost tunnel again, or another in its place, however long it takes. @throws the signal's reason */
export async function reopenTunnel(
  lost: LostTunnel,
  context: TunnelContext,
): Promise<ProvenTunnel> {
  const returns = watchReturns(lost, context)
  let { failure } = lost
  let failures = lost.final ? patience : 0
  const pause = () => pauseBefore({ ...lost, failure }, context, returns.attempt())
  try {
    if (!lost.asked) await pause()
    for (;;) {
      if (failures < patience) {
        const result = await openProven(lost.entry, context, returns.hurry())
        if (result.ok) return result.opened
        failure = result.failure
        if (await context.isOnline(context.signal)) failures += 1
      }
      if (failures >= patience) {
        failures = 0
        const other = await failOver(lost.entry, failure, context)
        if (other) return other
      }
      await pause()
    }
  } finally {
    await returns.stop()
  }
}

async function pauseBefore(
  { entry, publicUrl, failure }: Pick<LostTunnel, 'entry' | 'publicUrl' | 'failure'>,
  { tell, alarm, random, signal }: TunnelContext,
  attempt: number,
): Promise<void> {
  const retryInMs = backoffDelay(attempt, { ...pace, random })
  tell({ state: 'lost', provider: entry.provider.name, publicUrl, failure, retryInMs })
  await alarm.wait(retryInMs, signal)
}

async function failOver(
  entry: TunnelEntry,
  failure: OpenFailure,
  context: TunnelContext,
): Promise<ProvenTunnel | undefined> {
  if (!context.failOver) return undefined
  const others = context.entries.filter((other) => other !== entry)
  if (others.length === 0) return undefined
  const result = await openInOrder(others, context)
  if (result.ok) return result.opened
  context.goLocal(exhausted, [failure, ...result.failures])
  return undefined
}

/** Watches for the edge to come back: then the pace starts anew, and what hangs is cut off. */
function watchReturns(lost: LostTunnel, context: TunnelContext) {
  const { clock, edge, alarm, random } = context
  const { publicUrl, entry } = lost
  const over = new AbortController()
  const signal = AbortSignal.any([context.signal, over.signal])
  let { attempt } = lost
  let current = new AbortController()
  function cutOff(hanging: AbortController): void {
    waitByClock(clock, graceMs, signal).then(
      () => hanging.abort(cameBack()),
      () => {
        // The tunnel is up again, or nobody wants it any more.
      },
    )
  }
  function onImproved(): void {
    attempt = 0
    alarm.ring()
    cutOff(current)
  }
  // Each by itself: the old address may never come back, as those of quick tunnels do not.
  const places = [
    { publicUrl, service: undefined },
    { publicUrl: undefined, service: entry.service },
  ]
  const watching = Promise.all(
    places.map((place) =>
      watchEdge({
        look: (inTime) => edge.look(place, inTime),
        onImproved,
        clock,
        random,
        signal,
      }),
    ),
  )
  return {
    attempt: () => attempt++,
    /** Aborts when the attempt that begins now turns out to have begun too early. */
    hurry() {
      current = new AbortController()
      return current.signal
    },
    async stop() {
      over.abort()
      await watching
    },
  }
}

function cameBack(): UserError {
  return new UserError('TUNNEL_SILENT', 'The service was away while the tunnel was being opened.')
}

/**
 * Looks at the edge of a tunnel that is down, so that its return is not slept through. Resolves when
 * the signal aborts.
 */
async function watchEdge(options: {
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
    await waitByClock(clock, lookEveryMs * (1 - random() / 4), signal).catch(() => {
      // Aborted, which the loop sees.
    })
  }
}
