import { describe, expect, it, onTestFinished } from 'vitest'
import { createUpstreamTrust, followUpstreamTrust } from '../../src/gateway/upstream-trust.ts'
import type { GatewayEvent } from '../../src/gateway-events.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createKnownOrigins } from '../../src/origin/known-origins.ts'
import type { BundleState } from '../../src/tls/upstream/upstream-bundles.ts'
import { resolveTestFile } from '../fixtures/gateway.ts'
import { createMemoryStore } from '../oauth/memory-store.ts'
import { manualClock } from '../tls/lab.ts'
import { trustChanges } from './trust-lab.ts'

const file = resolveTestFile(
  { projectDir: '/' },
  {
    servers: {
      corp: { url: 'https://corp.example/mcp' },
      lax: { url: 'https://lax.example/mcp', tls: { insecureSkipVerify: true } },
      plain: { url: 'http://127.0.0.1:9/mcp', tls: { insecureSkipVerify: true } },
      tool: { command: 'true' },
    },
  },
)

function start() {
  const world = { exposed: false, trust: new Map<string, BundleState>() }
  const events: GatewayEvent[] = []
  const reconnected: string[] = []
  const reconnect = async (server: string) => void reconnected.push(server)
  const onEvent = (event: GatewayEvent) => void events.push(event)
  return { world, events, reconnected, reconnect, onEvent, isExposed: () => world.exposed }
}

function follow() {
  const started = start()
  const clock = manualClock()
  const trustOf = async (server: string) => started.world.trust.get(server)
  const servers = () => Object.values(file.servers)
  const follower = followUpstreamTrust({ ...started, servers, trustOf, clock })
  onTestFinished(follower.close)
  return { ...started, follower, clock }
}

const good = (fingerprint: string): BundleState => ({ state: 'good', fingerprint })

describe('the follower of trust', () => {
  it('changes nothing for what it sees first, and reconnects a server for what comes later', async () => {
    const { world, follower, events, reconnected } = follow()
    world.trust.set('corp', good('A'))
    await follower.check()
    await follower.check()
    expect(events).toEqual([])
    for (const next of [good('B'), undefined, good('C')]) {
      if (next) world.trust.set('corp', next)
      else world.trust.delete('corp')
      await follower.check()
      await follower.check()
    }
    expect(trustChanges(events)).toEqual(['corp replaced', 'corp removed', 'corp added'])
    expect(reconnected).toEqual(['corp', 'corp', 'corp'])
  })

  it('looks by itself every two seconds', async () => {
    const { world, follower, events, clock } = follow()
    await follower.check()
    world.trust.set('corp', good('A'))
    clock.advance(1_999)
    clock.advance(1)
    await expect.poll(() => trustChanges(events)).toEqual(['corp added'])
  })

  it('tells of a bundle that does not verify any more', async () => {
    const { world, follower, events } = follow()
    world.trust.set('corp', good('A'))
    await follower.check()
    world.trust.set('corp', { state: 'refused', fingerprint: undefined })
    await follower.check()
    expect(trustChanges(events)).toEqual(['corp refused'])
  })

  it('drops what is not verified as soon as an origin is admitted, and brings it back after', async () => {
    const { world: _world, isExposed: _isExposed, reconnected, events, ...options } = start()
    const origins = createKnownOrigins({
      ...{ listeners: [], externalOrigin: undefined },
      ...{ allowedHosts: () => [], allowedOrigins: () => [] },
    })
    const bundles = { state: async () => undefined, read: async () => undefined }
    const trust = await createUpstreamTrust({
      ...options,
      bundles: bundles as never,
      origins,
      configFile: 'gateway.json',
      file: () => file,
      store: createMemoryStore(),
      clock: systemClock,
    })
    onTestFinished(trust.follower.close)
    const shutOut = trust.admit('https://otter.example')
    expect(reconnected).toEqual(['lax'])
    shutOut()
    expect(reconnected).toEqual(['lax', 'lax'])
    expect(trustChanges(events)).toEqual(['lax blocked', 'lax unblocked'])
  })
})
