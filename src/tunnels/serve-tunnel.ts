import type { Alarm, Clock } from '../lib/clock.ts'
import type { ProvenTunnel } from './open-proven.ts'
import type { TunnelEdge } from './tunnel-edge.ts'
import { watchHealth } from './watch-health.ts'

/** Why a tunnel that worked is given up. */
export type TunnelLoss =
  /** The user wants it opened again. */
  | { readonly kind: 'asked' }
  /** `detail` is a sentence; `final` when trying again will not help. */
  | { readonly kind: 'broken'; readonly detail: string; readonly final: boolean }

export interface ServeContext {
  readonly edge: TunnelEdge
  readonly clock: Clock
  readonly random: () => number
  /** Rings when its health is in doubt. */
  readonly alarm: Alarm
  readonly isOnline: (signal: AbortSignal) => Promise<boolean>
  /** Settles when the user wants it opened again. */
  readonly asked: Promise<void>
  readonly signal: AbortSignal
}

/** Watches over a tunnel until it must be given up. Does not close it. @throws the signal's reason */
export async function serveTunnel(
  { tunnel, publicUrl }: ProvenTunnel,
  context: ServeContext,
): Promise<TunnelLoss> {
  const { edge, alarm, asked } = context
  const over = new AbortController()
  const signal = AbortSignal.any([context.signal, over.signal])
  const line = edge.openHealthLine(publicUrl, { onDropped: () => alarm.ring() })
  const sick = watchHealth({ ...context, check: (inTime) => line.check(inTime), signal })
  try {
    return await Promise.race([
      sick.then((reason) => broken(`${publicUrl} no longer leads here: ${reason}.`)),
      tunnel.ended.then(({ detail, reason }) => broken(detail, { final: reason === 'failed' })),
      asked.then(() => ({ kind: 'asked' }) as const),
    ])
  } finally {
    over.abort()
    await line.close()
  }
}

function broken(detail: string, { final = false } = {}): TunnelLoss {
  return { kind: 'broken', detail, final }
}
