import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type LocaltunnelServer, startLocaltunnelServer } from '../emulators/localtunnel-server.ts'
import { clientKinds, connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach, oneForAll } from '../fixtures/cleanup.ts'
import { emulateCloudflare, emulateLocaltunnel, emulateNgrok } from '../fixtures/emulated-edge.ts'
import { noTunnels, startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'

const closing = closeAfterEach()
const servers = { one: stdioFixture('legacy-stdio.ts') }

const open = (edge: LocaltunnelServer, subdomain?: string) =>
  startTunnelledGateway({
    servers,
    order: ['localtunnel', 'local'],
    tunnels: { localtunnel: { host: edge.host.origin, subdomain } },
  })

async function start(subdomain?: string) {
  const edge = closing(await startLocaltunnelServer())
  const gateway = closing(await open(edge, subdomain))
  return { edge, gateway, publicUrl: gateway.gateway.status().appUrl }
}

const sharedEdge = oneForAll(startLocaltunnelServer)
const shared = oneForAll(async () => open(await sharedEdge()))

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

  it('says why what was asked for before it was not used', async () => {
    const edge = closing(await startLocaltunnelServer())
    const gateway = closing(
      await startTunnelledGateway({
        servers: {},
        order: ['command', 'localtunnel'],
        tunnels: { localtunnel: { host: edge.host.origin, subdomain: undefined } },
      }),
    )
    const told = gateway.events.flatMap((event) =>
      event.event === 'tunnel' && ['failed', 'up'].includes(event.state) ? [event] : [],
    )
    expect(told).toEqual([
      expect.objectContaining({ provider: 'command', state: 'failed' }),
      expect.objectContaining({ provider: 'localtunnel', state: 'up' }),
    ])
  })

  it.each(clientKinds)('serves a %s client', async (kind) => {
    const gateway = await shared()
    const client = closing(await connectClient(kind, gateway.url()))
    expect(await client.call('echo', { text: 'hi' })).toMatchObject({ content: [{ text: 'hi' }] })
    const steps: number[] = []
    const onprogress = ({ progress }: { progress: number }) => steps.push(progress)
    await client.call('slow', { steps: 3, intervalMs: 30 }, { onprogress })
    expect(steps.slice(0, 2)).toEqual([1, 2])
  })

  it('answers for its public host alone on the port of the tunnel', async () => {
    const publicUrl = (await shared()).gateway.status().appUrl
    const answer = await fetch(`${publicUrl}/api/mcp/default/info`)
    expect(await answer.json()).toMatchObject({ url: `${publicUrl}/api/mcp/default` })
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
      )
      .toBe(200)
    // Local clients have noticed nothing.
    expect(await client.call('echo', { text: 'hi' })).toMatchObject({ content: [{ text: 'hi' }] })
  })
})

describe('a body of 16 MiB', () => {
  it.each([
    ['localtunnel', emulateLocaltunnel],
    ['ngrok', emulateNgrok],
    ['cloudflare', emulateCloudflare],
  ] as const)(
    'reaches a server through %s and the gateway unchanged',
    async (provider, emulate) => {
      const { tunnels } = closing(await emulate())
      const gateway = closing(
        await startTunnelledGateway({
          servers: { digest: stdioFixture('digest-stdio.ts') },
          order: [provider],
          tunnels,
          config: { limits: { maxBodyBytes: 32 * 1024 * 1024 } },
        }),
      )
      const client = closing(await connectClient('v2 modern', gateway.url()))
      const text = randomBytes(8 * 1024 * 1024).toString('hex')
      const digest = createHash('sha256').update(text).digest('hex')
      expect(await client.call('digest', { text })).toMatchObject({ content: [{ text: digest }] })
    },
  )
})

describe('a changed public address', () => {
  it('is followed by metadata, hosts and URLs, while connected clients go on', async () => {
    const edge = closing(await startLocaltunnelServer())
    const gateway = closing(
      await startTunnelledGateway({
        servers,
        profiles: { default: {} },
        order: ['localtunnel', 'local'],
        tunnels: { localtunnel: { host: edge.host.origin, subdomain: undefined } },
      }),
    )
    const before = gateway.gateway.status().appUrl
    const local = gateway.gateway.status().origins.find((origin) => origin !== before) ?? ''
    const client = closing(await connectClient('v1 streamable HTTP', `${local}/api/mcp/default`))
    const pid = await client.call('pid')

    const [name = ''] = edge.names()
    await edge.restart()
    // Somebody else takes the name, so the tunnel comes back under another one.
    await fetch(new URL(name, edge.host))
    const changed = () => gateway.events.find((event) => event.event === 'url-changed')
    await expect.poll(changed).toBeDefined()

    const after = gateway.gateway.status()
    expect(after.appUrl).not.toBe(before)
    expect(changed()).toMatchObject({
      previousUrl: before,
      appUrl: after.appUrl,
      redirectUri: `${after.appUrl}/api/oauth/callback`,
    })
    const json = async (path: string) => (await fetch(after.appUrl + path)).json()
    expect(await json('/.well-known/oauth-protected-resource/api/mcp/default')).toMatchObject({
      resource: `${after.appUrl}/api/mcp/default`,
      authorization_servers: [after.appUrl],
    })
    expect(await json('/.well-known/oauth-authorization-server')).toMatchObject({
      issuer: after.appUrl,
      token_endpoint: `${after.appUrl}/oauth/token`,
    })
    const refused = await fetch(`${after.appUrl}/api/mcp/default`, { method: 'POST' })
    expect(refused.headers.get('www-authenticate')).toContain(`resource_metadata="${after.appUrl}/`)
    // The old address is nobody's, even where it still leads here.
    const asOld = await send(after.appUrl, new URL(before).host)
    expect(asOld).toBe(421)
    // The client never noticed: same MCP session, same process behind it.
    expect(await client.call('pid')).toEqual(pid)
  })
})

describe('a profile without authentication of its own', () => {
  it.each([
    [undefined, false, 401],
    [undefined, true, 401],
    ['key', true, 401],
    ['none', false, 401],
    ['none', true, 200],
  ] as const)(
    'with auth %s and --allow-anonymous %s answers strangers %i',
    async (auth, allowAnonymous, status) => {
      const edge = closing(await startLocaltunnelServer())
      const gateway = closing(
        await startTunnelledGateway({
          servers: {},
          profiles: { default: { auth } },
          order: ['localtunnel'],
          tunnels: {
            allowAnonymous,
            localtunnel: { host: edge.host.origin, subdomain: undefined },
          },
        }),
      )
      const { appUrl, origins } = gateway.gateway.status()
      const info = (origin: string, headers = {}) =>
        fetch(`${origin}/api/mcp/default/info`, { headers }).then((answer) => answer.status)
      expect(await info(appUrl)).toBe(status)
      // Headers that claim to be local change nothing; the listener decides.
      for (const forged of [
        { 'x-forwarded-for': '127.0.0.1' },
        { 'x-forwarded-host': 'localhost' },
        { forwarded: 'for=127.0.0.1;host=localhost;proto=https' },
        { 'x-real-ip': '127.0.0.1' },
      ]) {
        expect(await info(appUrl, forged)).toBe(status)
      }
      const local = origins.find((origin) => origin !== appUrl) ?? ''
      expect(await info(local)).toBe(auth === 'key' ? 401 : 200)
      expect((await fetch(`${appUrl}/api/profiles`)).status).toBe(403)
      const warned = gateway.events.some((event) => event.event === 'warning')
      expect(warned).toBe(auth === 'none')
    },
  )
})

describe('without a network', () => {
  it('auto decides that there is none, and goes on locally', async () => {
    const order = ['localtunnel', 'local'] as const
    const tunnels = { ...noTunnels, order, allowAnonymous: true }
    const gateway = closing(
      await startTestGateway({ servers: {}, config: { tunnel: 'auto', tunnels } }),
    )
    expect(gateway.gateway.status().appUrl).toContain('localhost')
    expect(gateway.events).toContainEqual(
      expect.objectContaining({ event: 'tunnel', state: 'local' }),
    )
  })
})

/** The status that `/health` at an address answers with, for another Host than its own. */
function send(origin: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}/health`, { headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}
