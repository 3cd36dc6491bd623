import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import type { TunnelChoice, TunnelProviderName } from '../../src/config/resolved-config.ts'
import type { GatewayEvent, TunnelEvent } from '../../src/gateway-events.ts'
import { wait } from '../../src/lib/clock.ts'
import { until } from '../cli/helpers.ts'
import type { CloudflareEdge } from '../emulators/cloudflare-edge.ts'
import type { LocaltunnelServer } from '../emulators/localtunnel-server.ts'
import type { NgrokEdge } from '../emulators/ngrok-edge.ts'
import {
  type EmulatedEdge,
  emulateCloudflare,
  emulateLocaltunnel,
  emulateNgrok,
} from '../fixtures/emulated-edge.ts'
import { isProcessAlive } from '../fixtures/processes.ts'
import { visit } from './visitor.ts'
import { startWatchedGateway, type WatchedGateway } from './watched-gateway.ts'

/** A way to lose a tunnel, and what ends it. */
interface Fault<Edge> {
  readonly name: string
  happen(edge: Edge, gateway: WatchedGateway): unknown
  /** What the gateway says once it has seen it, by default that the tunnel is lost. */
  readonly noticed?: (event: TunnelEvent) => boolean
  /** How often it must have said so before the edge comes back. */
  readonly times?: number
  /** Nothing to mend means that the edge was back, or well, from the beginning. */
  mend?(edge: Edge): unknown
}

const isLost = ({ state }: TunnelEvent) => state === 'lost'

/** What happens to a client is the same whosever it is. */
const clientFaults: Fault<unknown>[] = [
  {
    name: 'client stopped',
    happen: async (_, gateway) => process.kill(await gateway.clientPid(), 'SIGSTOP'),
  },
  {
    name: 'client killed',
    happen: async (_, gateway) => process.kill(await gateway.clientPid(), 'SIGKILL'),
  },
]

const localtunnelFaults: Fault<LocaltunnelServer>[] = [
  {
    name: 'edge silent',
    happen: (edge) => edge.silence(),
    mend: (edge) => edge.restore(),
  },
  ...clientFaults,
  { name: 'edge restarted', happen: (edge) => edge.restart() },
  {
    name: 'edge restarted, name given away',
    async happen(edge) {
      const [name = ''] = edge.names()
      await edge.restart()
      await fetch(new URL(name, edge.host))
    },
  },
  {
    name: 'edge unreachable',
    happen: (edge) => edge.refuse(),
    times: 3,
    mend: (edge) => edge.restore(),
  },
  {
    name: 'edge refusing',
    happen(edge) {
      edge.answerNext({ status: 429 }, { status: 429 })
      return edge.restart()
    },
    // The second refusal was the last. Only the pace of the attempts finds out.
    noticed: ({ state, code }) => state === 'lost' && code === 'TUNNEL_RATE_LIMITED',
    times: 2,
  },
]

const ngrokFaults: Fault<NgrokEdge>[] = [
  {
    name: 'edge silent',
    happen: (edge) => edge.silence(),
    mend: (edge) => edge.restore(),
  },
  ...clientFaults,
  {
    name: 'edge restarted',
    async happen(edge) {
      await edge.refuse()
      await edge.restore()
    },
    noticed: () => true,
    times: 0,
  },
  {
    name: 'edge unreachable',
    happen: (edge) => edge.refuse(),
    times: 3,
    mend: (edge) => edge.restore(),
  },
  {
    name: 'edge refusing',
    happen(edge) {
      edge.refuseAuth(108)
      edge.dropSockets()
    },
    noticed: ({ state, code }) => state === 'lost' && code === 'TUNNEL_SESSION_LIMIT',
    times: 2,
    mend: (edge) => edge.refuseAuth(undefined),
  },
  {
    name: 'token revoked',
    happen(edge) {
      edge.refuseAuth(107)
      edge.dropSockets()
    },
    noticed: ({ state, code }) => state === 'lost' && code === 'TUNNEL_TOKEN_INVALID',
    times: 2,
    mend: (edge) => edge.refuseAuth(undefined),
  },
]

const cloudflareFaults: Fault<CloudflareEdge>[] = [
  ...clientFaults,
  {
    name: 'edge restarted',
    happen: (edge) => edge.dropSockets(),
    noticed: () => true,
    times: 0,
  },
  {
    name: 'token revoked',
    happen(edge) {
      edge.revoke()
      edge.dropSockets()
    },
    mend: (edge) => edge.restore(),
  },
  {
    name: 'edge unreachable',
    happen: (edge) => edge.refuse(),
    times: 1,
    mend: (edge) => edge.restore(),
  },
  {
    name: 'edge silent',
    happen(edge) {
      edge.silence()
      // What stands already is not silenced.
      edge.dropSockets()
    },
    mend: (edge) => edge.restore(),
  },
]

testRecovery('localtunnel', emulateLocaltunnel, localtunnelFaults)
testRecovery('ngrok', emulateNgrok, ngrokFaults)
testRecovery('cloudflare', emulateCloudflare, cloudflareFaults)

describe.concurrent('a gateway that asks localtunnel for a name', () => {
  const name = 'quiet-otter'
  const isTaken = ({ state, code }: TunnelEvent) => state === 'lost' && code === 'TUNNEL_NAME_TAKEN'

  async function emulate({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
    const { edge, close } = await emulateLocaltunnel()
    onTestFinished(close)
    return { edge, tunnels: { localtunnel: { host: edge.host.origin, subdomain: name } } }
  }
  /** Somebody else registers the name, and holds it until the edge is restarted. */
  const occupy = (edge: LocaltunnelServer) => fetch(new URL(name, edge.host))

  it('does not start when the name is taken and nothing else was asked for', async (context) => {
    const { edge, tunnels } = await emulate(context)
    await occupy(edge)
    const starting = startWatchedGateway({
      provider: 'localtunnel',
      order: ['localtunnel'],
      tunnels,
    })
    await expect(starting).rejects.toMatchObject({
      code: 'TUNNEL_NAME_TAKEN',
      message: expect.stringMatching(/instead of "quiet-otter", which is in use/),
      hint: expect.stringContaining('--any-subdomain'),
    })
  })

  it('takes what it gets when any name will do', async (context) => {
    const { edge, tunnels } = await emulate(context)
    await occupy(edge)
    const relaxed = { ...tunnels, anySubdomain: true }
    const gateway = await startWatchedGateway({ provider: 'localtunnel', tunnels: relaxed })
    context.onTestFinished(() => gateway.close())
    await gateway.untilServing()
    expect(gateway.test.gateway.status().appUrl).toBe(gateway.publicUrl())
  })

  it('keeps its address over a restart of the edge', async (context) => {
    const { edge, tunnels } = await emulate(context)
    const gateway = await startWatchedGateway({ provider: 'localtunnel', tunnels })
    context.onTestFinished(() => gateway.close())
    const before = gateway.publicUrl()
    await edge.restart()
    await gateway.untilServing()
    expect(gateway.test.gateway.status().appUrl).toBe(before)
    expect(gateway.test.events.some(isUrlChange)).toBe(false)
    expect(gateway.localFailures()).toEqual([])
  })

  it('says that its name was taken meanwhile, and comes back to it once it is free', async (context) => {
    const { edge, tunnels } = await emulate(context)
    const gateway = await startWatchedGateway({ provider: 'localtunnel', tunnels })
    context.onTestFinished(() => gateway.close())
    const before = gateway.publicUrl()
    await edge.restart()
    await occupy(edge)
    await gateway.untilTold(isTaken)
    await edge.restart()
    await gateway.untilServing()
    expect(gateway.test.gateway.status().appUrl).toBe(before)
    expect(gateway.localFailures()).toEqual([])
  })
})

describe.concurrent('a gateway whose tunnel client is asleep', () => {
  it.for([
    ['localtunnel', emulateLocaltunnel],
    ['ngrok', emulateNgrok],
    ['cloudflare', emulateCloudflare],
  ] as const)('serves again before it wakes: %s', async ([provider, emulate], context) => {
    const { tunnels, close } = await emulate()
    context.onTestFinished(close)
    const gateway = await startWatchedGateway({ provider, tunnels })
    context.onTestFinished(() => gateway.close())
    const before = gateway.publicUrl()
    const from = gateway.test.events.length
    const sleeper = await gateway.clientPid()

    process.kill(sleeper, 'SIGSTOP')
    await gateway.untilTold(isLost, { from })
    await gateway.untilServing()
    if (isProcessAlive(sleeper)) process.kill(sleeper, 'SIGCONT')

    await until(() => !isProcessAlive(sleeper), { what: 'the sleeper is gone' })
    expect(await gateway.clientPid()).not.toBe(sleeper)
    expect(gateway.localFailures()).toEqual([])
    await expectEverythingFollows(gateway, { before, from })
  })
})

describe.each([
  ['localtunnel', emulateLocaltunnel],
  ['ngrok', emulateNgrok],
] as const)('a gateway behind %s that was closed', (provider, emulate) => {
  it('leaves no process, socket or timer', async () => {
    const { tunnels, close } = await emulate()
    onTestFinished(close)
    const round = async (): Promise<number> => {
      const gateway = await startWatchedGateway({ provider, tunnels })
      const pid = await gateway.clientPid()
      await gateway.untilServing()
      await gateway.close()
      return pid
    }
    // What is loaded or kept once is no leftover.
    await round()
    const before = await settled()
    const pid = await round()
    expect(isProcessAlive(pid)).toBe(false)
    await until(() => resources() <= before, { what: 'nothing more is left than before' })
  })
})

/** How many processes, pipes, connections, servers and timers this process has. */
function resources(): number {
  const ours = ['ProcessWrap', 'PipeWrap', 'TCPSocketWrap', 'TCPServerWrap', 'Timeout']
  return process.getActiveResourcesInfo().filter((kind) => ours.includes(kind)).length
}

/** How many there are once that has not changed for a while. */
async function settled(): Promise<number> {
  for (let [count, same] = [resources(), 0]; ; ) {
    await wait(20)
    const next = resources()
    same = next === count ? same + 1 : 0
    if (same === 10) return count
    count = next
  }
}

function testRecovery<Edge>(
  provider: TunnelProviderName,
  emulate: () => Promise<EmulatedEdge<Edge>>,
  faults: readonly Fault<Edge>[],
  options: { order?: readonly TunnelChoice[] } = {},
): void {
  // Most of the time is spent waiting for the next health check, so they wait together.
  describe.concurrent(`a gateway behind ${provider} comes back`, () => {
    it.for(faults)('after: $name', async (fault, { onTestFinished }) => {
      const { noticed = isLost, times = 1 } = fault
      const { edge, tunnels, close } = await emulate()
      onTestFinished(close)
      const gateway = await startWatchedGateway({ provider, tunnels, ...options })
      onTestFinished(() => gateway.close())
      const before = gateway.publicUrl()
      const from = gateway.test.events.length

      await fault.happen(edge, gateway)
      if (times > 0) await gateway.untilTold(noticed, { from, times })
      await fault.mend?.(edge)
      await gateway.untilServing()

      expect(gateway.localFailures()).toEqual([])
      expect(gateway.localCalls()).toBeGreaterThan(0)
      await expectEverythingFollows(gateway, { before, from })
    })
  })
}

/** Everything derives from the address of now, and nothing from the one before. */
async function expectEverythingFollows(
  { test, publicUrl }: WatchedGateway,
  { before, from }: { before: string; from: number },
): Promise<void> {
  // It may serve a moment before it is proven.
  const isUp = () => test.gateway.status().appUrl === publicUrl()
  await until(isUp, { what: 'everything points at the public address' })
  const appUrl = publicUrl()
  const status = test.gateway.status()
  expect(status.redirectUri).toBe(`${appUrl}/api/oauth/callback`)
  expect(status.profiles.map(({ url }) => url)).toEqual([`${appUrl}/api/mcp/default`])
  const changes = test.events.slice(from).filter(isUrlChange)
  expect(changes.at(-1)?.appUrl ?? before).toBe(appUrl)
  if (appUrl === before) return
  expect(changes.at(-1)).toMatchObject({
    redirectUri: `${appUrl}/api/oauth/callback`,
    origins: expect.arrayContaining([appUrl]),
  })
  expect(status.origins).not.toContain(before)
  const stranger = { port: Number(new URL(appUrl).port), host: new URL(before).host }
  expect(await visit(stranger, '/health')).toMatchObject({ status: 421 })
}

function isUrlChange(event: GatewayEvent): event is GatewayEvent & { event: 'url-changed' } {
  return event.event === 'url-changed'
}
