import { type Clock, createAlarm } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createOnlineCheck } from './is-online.ts'
import type { OpenFailure } from './open-failure.ts'
import { type OpenFirstContext, openFirst } from './open-first.ts'
import type { ProvenTunnel, TunnelEntry } from './open-proven.ts'
import { type LostTunnel, reopenTunnel } from './reopen-tunnel.ts'
import { serveTunnel, type TunnelLoss } from './serve-tunnel.ts'
import { serverPolicy } from './server-policy.ts'
import { createStatusBoard } from './status-board.ts'
import type { TunnelEdge } from './tunnel-edge.ts'
import type { TunnelEvent, TunnelStatus } from './tunnel-status.ts'
import { type Interfaces, watchSurroundings } from './watch-surroundings.ts'

export interface TunnelSupervisorOptions {
  /** In the order to try them. */
  readonly entries: readonly TunnelEntry[]
  /** Whether the user named them; else nothing is tried where there is no network. */
  readonly named: boolean
  /** Whether another provider may take over from one that is lost for good. */
  readonly failOver: boolean
  /** Where tunnels lead: a listener of ours on loopback. */
  readonly target: URL
  readonly edge: TunnelEdge
  /** Lets requests for a public origin in, so that it can be proven; the result shuts it out. */
  readonly admit: (origin: string) => () => void
  /** The address everything should point at; `undefined` when no tunnel works. Told when it changes. */
  readonly onPublicUrl: (publicUrl: string | undefined) => void
  readonly onEvent: (event: TunnelEvent) => void
  readonly interfaces: () => Interfaces
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
}

/** Keeps one tunnel open, from whichever provider works. Local addresses are none of its business. */
export interface TunnelSupervisor {
  /**
   * Opens the first tunnel. Resolves with `up`, or with `local` when no provider works; the latter is
   * tried again when the network changes or comes back.
   */
  start(): Promise<TunnelStatus>
  status(): TunnelStatus
  /** Opens the tunnel again, or tries again at once. Resolves with what came of it. */
  reopen(): Promise<TunnelStatus>
  /** Closes the tunnel. No process, socket or timer is left when it resolves. Safe to call twice. */
  close(): Promise<void>
}

/** A tunnel that was up for so long was healthy: earlier losses do not slow the next reopening, ms. */
const healthyMs = 10_000

export function createTunnelSupervisor(options: TunnelSupervisorOptions): TunnelSupervisor {
  const { entries, failOver, edge, clock } = options
  const life = new AbortController()
  const { signal } = life
  const alarm = createAlarm(clock)
  const board = createStatusBoard(options)
  const isOnline = createOnlineCheck(edge, entries)
  let asked = Promise.withResolvers<void>()
  let running: Promise<void> | undefined

  function goLocal(reason: string, failures: readonly OpenFailure[]): void {
    board.announce(undefined)
    board.tell({ state: 'local', reason, failures })
  }

  const context: OpenFirstContext = {
    ...options,
    tell: board.tell,
    signal,
    alarm,
    isOnline,
    goLocal,
    othersThan: (entry) => (failOver ? entries.filter((other) => other !== entry) : []),
    onExhausted: (failures) => goLocal(exhausted, failures),
  }

  async function serve(opened: ProvenTunnel): Promise<TunnelLoss> {
    const { entry, publicUrl, verdict } = opened
    const { provider, traits } = entry
    const policy = serverPolicy(verdict, traits)
    asked = Promise.withResolvers()
    board.announce(publicUrl)
    board.tell({ state: 'up', provider: provider.name, publicUrl, probe: verdict, policy, traits })
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
      if (!signal.aborted) board.fail(error)
    } finally {
      stopWatching()
    }
  }

  return {
    start() {
      const outcome = board.outcome()
      running ??= run()
      return outcome
    },
    status: board.status,
    async reopen() {
      if (signal.aborted) return board.status()
      if (board.status().state === 'up') asked.resolve()
      else alarm.ring()
      return board.outcome()
    },
    async close() {
      life.abort(new Error('the tunnel supervisor was closed'))
      await running
      board.tell({ state: 'closed' })
    },
  }
}

const exhausted =
  'No tunnel can be opened at present; local addresses go on, and it is tried again.'

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
