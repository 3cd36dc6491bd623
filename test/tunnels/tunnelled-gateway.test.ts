import { describe, expect, it } from 'vitest'
import { startLocaltunnelServer } from '../emulators/localtunnel-server.ts'
import { clientKinds, connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { noTunnels, startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'

const closing = closeAfterEach()
const servers = { one: stdioFixture('legacy-stdio.ts') }

async function start(subdomain?: string) {
  const edge = closing(await startLocaltunnelServer())
  const gateway = closing(
    await startTunnelledGateway({
      servers,
      order: ['localtunnel', 'local'],
      tunnels: { localtunnel: { host: edge.host.origin, subdomain } },
    }),
  )
  return { edge, gateway, publicUrl: gateway.gateway.status().appUrl }
}

describe('a gateway behind localtunnel', () => {
  it('is proven before it is ready, and everything derives from the public address', async () => {
    const { gateway, publicUrl, edge } = await start('quiet-otter')
    expect(edge.names()).toEqual(['quiet-otter'])
    const ready = gateway.gateway.status()
    expect(ready.redirectUri).toBe(`${publicUrl}/api/oauth/callback`)
    expect(ready.profiles[0]?.url).toBe(`${publicUrl}/api/mcp/default`)
    expect(gateway.events).toContainEqual(
      expect.objectContaining({ event: 'tunnel', state: 'up', probe: expect.anything() }),
    )
  })

  it.each(clientKinds)('serves a %s client', async (kind) => {
    const { gateway } = await start()
    const client = closing(await connectClient(kind, gateway.url()))
    expect(await client.call('echo', { text: 'hi' })).toMatchObject({ content: [{ text: 'hi' }] })
    const steps: number[] = []
    const onprogress = ({ progress }: { progress: number }) => steps.push(progress)
    await client.call('slow', { steps: 3, intervalMs: 30 }, { onprogress })
    expect(steps.slice(0, 2)).toEqual([1, 2])
  })

  it('answers for its public host alone on the port of the tunnel', async () => {
    const { publicUrl } = await start()
    const answer = await fetch(`${publicUrl}/api/profiles`)
    const { profiles } = (await answer.json()) as { profiles: { url: string }[] }
    expect(profiles[0]?.url).toBe(`${publicUrl}/api/mcp/default`)
  })

  it('comes back when the edge forgets it, at another address if it must, and says so', async () => {
    const { edge, gateway, publicUrl } = await start()
    const local = gateway.gateway.status().origins.find((origin) => origin !== publicUrl) ?? ''
    const client = closing(await connectClient('v2 modern', `${local}/api/mcp/default`))
    await edge.restart()
    await expect
      .poll(
        async () =>
          (await fetch(`${gateway.gateway.status().appUrl}/health`).catch(() => undefined))?.status,
        {
          timeout: 15_000,
        },
      )
      .toBe(200)
    // Local clients have noticed nothing.
    expect(await client.call('echo', { text: 'hi' })).toMatchObject({ content: [{ text: 'hi' }] })
  })
})

describe('without --allow-anonymous', () => {
  it('auto stays local and says why', async () => {
    const edge = closing(await startLocaltunnelServer())
    const tunnels = { ...noTunnels, localtunnel: { host: edge.host.origin, subdomain: undefined } }
    const gateway = closing(
      await startTestGateway({ servers, config: { tunnel: 'auto', tunnels } }),
    )
    expect(edge.registrations()).toBe(0)
    expect(gateway.events).toContainEqual(
      expect.objectContaining({
        code: 'ANONYMOUS_REFUSED',
        hint: expect.stringContaining('--allow-anonymous'),
      }),
    )
  })

  it('a provider that was asked for by name is an error', async () => {
    const tunnels = { ...noTunnels, order: ['localtunnel'] }
    const starting = startTestGateway({ servers, config: { tunnel: 'order', tunnels } })
    await expect(starting).rejects.toMatchObject({ code: 'ANONYMOUS_REFUSED' })
  })
})

describe('without a network', () => {
  it('auto decides within two seconds and goes on locally', async () => {
    const tunnels = { ...noTunnels, allowAnonymous: true }
    const startedAt = performance.now()
    const gateway = closing(
      await startTestGateway({ servers, config: { tunnel: 'auto', tunnels } }),
    )
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    expect(gateway.gateway.status().appUrl).toContain('localhost')
    expect(gateway.events).toContainEqual(
      expect.objectContaining({ event: 'tunnel', state: 'local' }),
    )
  })
})
