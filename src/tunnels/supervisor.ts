import type { TunnelEvent } from '../gateway-events.ts'
import { createAlarm, waitByClock } from '../lib/clock.ts'
import { createOnlineCheck, type Interfaces, watchSurroundings } from './network.ts'
import { openFirst, type ProvenTunnel, type TunnelContext } from './open-tunnel.ts'
import { serverPolicy } from './probe-verdict.ts'
import { type LostTunnel, reopenTunnel } from './reopen-tunnel.ts'
import type { HealthLine } from './tunnel-edge.ts'
import { type TunnelStatus, tunnelEvent } from './tunnel-status.ts'

export interface TunnelSupervisorOptions
  extends Omit<TunnelContext, 'tell' | 'goLocal' | 'isOnline' | 'alarm' | 'signal'> {
  /** The address everything should point at; `undefined` when no tunnel works. Told when it changes. */
  readonly onPublicUrl: (publicUrl: string | undefined) => void
  readonly onEvent: (event: TunnelEvent) => void
  readonly interfaces: () => Interfaces
}

/** A tunnel that was up for so long was healthy: earlier losses do not slow the next reopening, ms. */
const healthyMs = 10_000
/** What says what became of an attempt. */
const outcomes: ReadonlySet<TunnelStatus['state']> = new Set(['up', 'lost', 'local', 'closed'])

/** Keeps one tunnel open, from whichever provider works. Local addresses are none of its business. */
export function createTunnelSupervisor(options: TunnelSupervisorOptions) {
  const { clock, onEvent, onPublicUrl } = options
  const life = new AbortController()
  const { signal } = life
  const alarm = createAlarm(clock)
  let status: TunnelStatus = { state: 'closed' }
  let announced: string | undefined
  let outcome = Promise.withResolvers<TunnelStatus>()
  let asked = Promise.withResolvers<void>()
  let running: Promise<void> | undefined

  function tell(next: TunnelStatus): void {
    status = next
    const event = tunnelEvent(next)
    if (event) onEvent(event)
    if (!outcomes.has(next.state)) return
    outcome.resolve(next)
    outcome = Promise.withResolvers()
  }

  function announce(publicUrl: string | undefined): void {
    if (publicUrl === announced) return
    announced = publicUrl
    onPublicUrl(publicUrl)
  }

  const context: TunnelContext = {
    ...options,
    tell,
    signal,
    alarm,
    isOnline: createOnlineCheck(options.edge, options.entries),
    goLocal(reason, failures) {
      announce(undefined)
      tell({ state: 'local', reason, failures })
    },
  }

  async function serve(opened: ProvenTunnel): Promise<TunnelLoss> {
    const { entry, publicUrl, verdict } = opened
    const { provider, traits } = entry
    const policy = serverPolicy(verdict, traits)
    asked = Promise.withResolvers()
    announce(publicUrl)
    tell({ state: 'up', provider: provider.name, publicUrl, probe: verdict, policy, traits })
    try {
      return await serveTunnel(opened, { ...context, asked: asked.promise })
    } finally {
      await opened.drop()
    }
  }

  async function run(): Promise<void> {
    const stopWatching = watchSurroundings({ ...options, onChange: () => alarm.ring() })
    try {
      let opened = await openFirst(context)
      for (let attempt = 0; ; ) {
        const upAt = clock.now()
        const loss = await serve(opened)
        attempt = clock.now() - upAt >= healthyMs ? 0 : attempt + 1
        opened = await reopenTunnel(lostTunnel(opened, loss, attempt), context)
      }
    } catch (error) {
      // Whoever waits for an outcome hears of a bug; when nobody does, it is an unhandled rejection.
      if (!signal.aborted) outcome.reject(error)
    } finally {
      stopWatching()
    }
  }

  return {
    /**
     * Opens the first tunnel. Resolves with `up`, or with `local` when no provider works; the latter is
     * tried again when the network changes or comes back.
     */
    start(): Promise<TunnelStatus> {
      const { promise } = outcome
      running ??= run()
      return promise
    },
    status: () => status,
    /** Opens the tunnel again, or tries again at once. Resolves with what came of it. */
    async reopen(): Promise<TunnelStatus> {
      if (signal.aborted) return status
      const { promise } = outcome
      if (status.state === 'up') asked.resolve()
      else alarm.ring()
      return promise
    },
    /** Closes the tunnel. No process, socket or timer is left when it resolves. Safe to call twice. */
    async close(): Promise<void> {
      life.abort(new Error('the tunnel supervisor was closed'))
      await running
      tell({ state: 'closed' })
    },
  }
}

function lostTunnel(
  { entry, publicUrl }: ProvenTunnel,
  loss: TunnelLoss,
  attempt: number,
): LostTunnel {
  const message = loss.kind === 'asked' ? 'It is opened again.' : loss.detail
  const failure = { provider: entry.provider.name, code: 'TUNNEL_LOST', message } as const
  const final = loss.kind === 'broken' && loss.final
  return { entry, publicUrl, failure, attempt, asked: loss.kind === 'asked', final }
}

/** Why a tunnel that worked is given up. */
type TunnelLoss =
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
async function serveTunnel(
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
