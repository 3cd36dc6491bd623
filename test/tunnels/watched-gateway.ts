import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import type {
  TunnelChoice,
  TunnelProviderName,
  TunnelSettings,
} from '../../src/config/resolved-config.ts'
import type { GatewayEvent, TunnelEvent } from '../../src/gateway-events.ts'
import { wait } from '../../src/lib/clock.ts'
import { until } from '../cli/helpers.ts'
import { createFastClock } from '../fixtures/fast-clock.ts'
import type { TestGateway } from '../fixtures/gateway.ts'
import { isProcessAlive } from '../fixtures/processes.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'

/**
 * How fast time goes while a loss is waited for: health is checked every 15 s, give or take, and
 * twice 4 s may pass without an answer.
 */
const hurry = 10

/** A gateway with a tunnel, whose public and local addresses are called all the time. */
export interface WatchedGateway {
  readonly test: TestGateway
  /** The address of the tunnel that was opened last. */
  publicUrl(): string
  /** The process that holds the tunnel. */
  clientPid(): Promise<number>
  /**
   * Resolves when the gateway has told such an event `times` since `from`, an index into its events.
   * Its clock goes fast meanwhile.
   */
  untilTold(
    condition: (event: TunnelEvent) => boolean,
    options?: { from?: number; times?: number },
  ): Promise<void>
  /** Resolves when the public address serves. */
  untilServing(): Promise<void>
  /** Local calls that failed so far, in words. */
  localFailures(): readonly string[]
  localCalls(): number
  close(): Promise<void>
}

export async function startWatchedGateway(options: {
  provider: TunnelProviderName
  tunnels: Partial<TunnelSettings>
  order?: readonly TunnelChoice[]
}): Promise<WatchedGateway> {
  const { provider, tunnels } = options
  const clock = createFastClock(1)
  const test = await startTunnelledGateway({
    servers: {},
    https: true,
    order: options.order ?? [provider, 'local'],
    tunnels,
    clock,
  })
  const { events, gateway } = test
  const tunnelEvents = (from = 0) => events.slice(from).filter(isTunnelEvent)
  const publicUrl = () => tunnelEvents().findLast(({ state }) => state === 'up')?.publicUrl ?? ''
  // The public address of some emulated edges is a port of this machine, too.
  const isOurs = (origin: string) => isLocal(origin) && origin !== publicUrl()
  const local = watchLocal(gateway.status().origins.filter(isOurs), test)
  return {
    test,
    publicUrl,
    clientPid: () => newestProcess(test),
    async untilTold(condition, { from = 0, times = 1 } = {}) {
      const isTold = () => tunnelEvents(from).filter(condition).length >= times
      clock.setPace(hurry)
      await until(isTold, { what: 'the gateway has noticed' })
      clock.setPace(1)
    },
    untilServing: () =>
      until(() => serves(publicUrl()), { what: 'the public address serves' }).then(() => {}),
    localFailures: () => local.failures,
    localCalls: local.calls,
    async close() {
      await local.stop()
      await test.close()
    },
  }
}

/**
 * There are no upstreams, so the tunnel's client is all there is on the list, which is written while
 * the tunnel opens and nobody waits for it.
 */
function newestProcess({ config }: TestGateway): Promise<number> {
  const path = join(config.home, 'processes.json')
  const newest = async () => {
    const text = await readFile(path, 'utf8').catch(() => '[]')
    return (JSON.parse(text) as { pid: number }[]).findLast(({ pid }) => isProcessAlive(pid))?.pid
  }
  return until(newest, { what: 'the list names the client of the tunnel' })
}

function isTunnelEvent(event: GatewayEvent): event is TunnelEvent {
  return event.event === 'tunnel'
}

function isLocal(origin: string): boolean {
  return new URL(origin).hostname === 'localhost'
}

async function serves(origin: string): Promise<boolean> {
  const asked = request(`${origin}/health`, { reset: true }).then(
    async ({ statusCode, body }) =>
      (await body.text()).includes('"status":"ok"') && statusCode === 200,
    () => false,
  )
  // An edge that lets visitors wait must not hold up the next try, nor is it asked all the time.
  const pause = wait(1_000).then(() => false)
  const isServed = await Promise.race([asked, pause])
  if (!isServed) await Promise.race([pause, wait(100)])
  return isServed
}

/** Calls each local address again and again, and remembers what went wrong. */
function watchLocal(origins: readonly string[], { events }: TestGateway) {
  const life = new AbortController()
  const failures: string[] = []
  let calls = 0
  const caFile = events.find((event) => event.event === 'ready')?.caFile
  const agent = new Agent({
    connect: { ...(caFile !== undefined && { ca: readFileSync(caFile) }) },
  })
  async function watch(origin: string): Promise<void> {
    while (!life.signal.aborted) {
      try {
        const answer = await request(`${origin}/health`, { dispatcher: agent })
        await answer.body.dump()
        calls += 1
        if (answer.statusCode !== 200) failures.push(`${origin}: HTTP ${answer.statusCode}`)
      } catch (error) {
        failures.push(`${origin}: ${String(error)}`)
      }
      await wait(300, life.signal).catch(() => {
        // Stopped, which the loop sees.
      })
    }
  }
  const watching = Promise.all(origins.map(watch))
  return {
    failures,
    calls: () => calls,
    async stop() {
      life.abort()
      await watching
      await agent.close()
    },
  }
}
