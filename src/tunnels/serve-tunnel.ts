import { waitByClock } from '../lib/clock.ts'
import type { ProvenTunnel, TunnelContext } from './open-tunnel.ts'
import type { HealthLine } from './tunnel-edge.ts'

/** Why a tunnel that worked is given up. */
export type TunnelLoss =
  /** The user wants it opened again. */
  | { readonly kind: 'asked' }
  /** `detail` is a sentence; `final` when trying again will not help. */
  | { readonly kind: 'broken'; readonly detail: string; readonly final: boolean }

/** Time between two checks, give or take a fifth, ms. */
const everyMs = 15_000
/** One failed check may be an accident; the second comes after this, ms. */
const againMs = 500
/** How often a machine without network looks whether it is back, ms. */
const offlineMs = 1_000

/** Watches over a tunnel until it must be given up. Does not close it. @throws the signal's reason */
export async function serveTunnel(
  { tunnel, publicUrl }: ProvenTunnel,
  context: TunnelContext & {
    /** Settles when the user wants it opened again. */
    readonly asked: Promise<void>
  },
): Promise<TunnelLoss> {
  const { edge, alarm, asked } = context
  const over = new AbortController()
  const signal = AbortSignal.any([context.signal, over.signal])
  const line = edge.openHealthLine(publicUrl, { onDropped: () => alarm.ring() })
  const sick = watchHealth({ ...context, line, signal })
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

type HealthOptions = TunnelContext & { readonly line: HealthLine }

/**
 * Checks a tunnel now and then, and at once when the alarm rings. Resolves with what was wrong when
 * two checks in a row fail. Without network nothing can be said, and a client that is left alone
 * may keep its name, so then the return of the network is waited for. @throws the signal's reason
 */
async function watchHealth(options: HealthOptions): Promise<string> {
  const { isOnline, alarm, random, signal } = options
  for (;;) {
    await alarm.wait(everyMs * (0.8 + random() * 0.4), signal)
    const problem = await findProblem(options)
    if (problem === undefined) continue
    if (await isOnline(signal)) return problem
    while (!(await isOnline(signal))) await alarm.wait(offlineMs, signal)
    alarm.ring()
  }
}

async function findProblem({ line, clock, signal }: HealthOptions): Promise<string | undefined> {
  if ((await line.check(signal)).ok) return undefined
  await waitByClock(clock, againMs, signal)
  const health = await line.check(signal)
  signal.throwIfAborted()
  return health.ok ? undefined : health.reason
}
