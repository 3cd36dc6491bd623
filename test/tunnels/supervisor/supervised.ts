import { onTestFinished } from 'vitest'
import type { TunnelEvent } from '../../../src/gateway-events.ts'
import type { Interfaces } from '../../../src/tunnels/network.ts'
import type { TunnelEntry } from '../../../src/tunnels/open-tunnel.ts'
import {
  createTunnelSupervisor,
  type TunnelSupervisorOptions,
} from '../../../src/tunnels/supervisor.ts'
import { silentLogger } from '../../fixtures/silent-logger.ts'
import { createFakeClock } from './fake-clock.ts'
import { createFakeEdge } from './fake-edge.ts'
import { anyTraits, createFakeProvider, type FakeProvider } from './fake-provider.ts'

export function entryOf(provider: FakeProvider): TunnelEntry {
  return { provider, traits: anyTraits, service: new URL(`https://${provider.name}.service`) }
}

/** A supervisor over fake providers `one` and `two`, and everything it told. */
export function supervise(options: Partial<TunnelSupervisorOptions> = {}) {
  const clock = createFakeClock()
  const edge = createFakeEdge()
  const one = createFakeProvider('one')
  const two = createFakeProvider('two')
  const events: TunnelEvent[] = []
  const publicUrls: (string | undefined)[] = []
  const admitted = new Set<string>()
  const world = { interfaces: {} as Interfaces }
  const supervisor = createTunnelSupervisor({
    entries: [entryOf(one), entryOf(two)],
    named: false,
    failOver: true,
    target: new URL('http://127.0.0.1:1'),
    edge,
    admit(origin) {
      admitted.add(origin)
      return () => void admitted.delete(origin)
    },
    onPublicUrl: (publicUrl) => publicUrls.push(publicUrl),
    onEvent: (event) => events.push(event),
    interfaces: () => world.interfaces,
    clock,
    random: () => 0.5,
    logger: silentLogger,
    ...options,
  })
  onTestFinished(() => supervisor.close())
  const states = () => events.map(({ provider, state }) => `${provider} ${state}`)
  return { supervisor, clock, edge, one, two, events, states, publicUrls, admitted, world }
}
