import { describe, expect, it, onTestFinished } from 'vitest'
import type { LocaltunnelOptions } from '../../src/tunnels/providers/localtunnel.ts'
import { createTunnelProvider } from '../../src/tunnels/tunnel-providers.ts'
import { type LocaltunnelServer, startLocaltunnelServer } from '../emulators/localtunnel-server.ts'
import { startTarget } from './target.ts'
import { testTunnelProvider } from './tunnel-provider.contract.ts'
import { startVisit, untilSaid, visit } from './visitor.ts'
import { createWorld } from './world.ts'

const signal = new AbortController().signal
const nowhere = new URL('http://127.0.0.1:9')
const locate = ({ host, port }: URL) => ({ host, port: Number(port) })

testTunnelProvider('localtunnel', async () => {
  const server = await startLocaltunnelServer()
  // A proxy from the environment would make the client hang for ever.
  const world = createWorld({ HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1' })
  const options = { host: server.host, subdomain: undefined, anySubdomain: false }
  return {
    provider: createTunnelProvider('localtunnel', options, world.dependencies),
    world,
    edge: server,
    locate,
    secrets: [],
    async close() {
      await server.close()
      world.close()
    },
  }
})

describe('the localtunnel provider', () => {
  async function setup(options: Partial<LocaltunnelOptions> = {}, maxSockets = 10) {
    const server = await startLocaltunnelServer({ maxSockets })
    const world = createWorld()
    onTestFinished(async () => {
      await server.close()
      world.close()
    })
    const all = { host: server.host, subdomain: undefined, anySubdomain: false, ...options }
    return { server, world, provider: createTunnelProvider('localtunnel', all, world.dependencies) }
  }

  const failures: {
    when: string
    prepare: (server: LocaltunnelServer) => unknown
    code: string
    /** Where there is nothing but the deadline to end it. */
    timeoutMs?: number
  }[] = [
    {
      when: 'the server refuses the name',
      prepare: (server) => server.answerNext({ status: 403 }),
      code: 'TUNNEL_NAME_REFUSED',
    },
    {
      when: 'the name is in use',
      prepare: (server) => server.answerNext({ status: 409 }, { status: 409 }),
      code: 'TUNNEL_NAME_TAKEN',
    },
    {
      when: 'the server wants no more of us',
      prepare: (server) => server.answerNext({ status: 429 }),
      code: 'TUNNEL_RATE_LIMITED',
    },
    {
      when: 'the server is something else',
      prepare: (server) => server.answerNext({ status: 404 }),
      code: 'TUNNEL_UNREACHABLE',
    },
    {
      when: 'the server answers something else',
      prepare: (server) => server.answerNext({ status: 200, message: 'hello' }),
      code: 'TUNNEL_UNREACHABLE',
    },
    {
      when: 'the server cannot be reached',
      prepare: (server) => server.refuse(),
      code: 'TUNNEL_UNREACHABLE',
    },
    {
      when: 'the server takes connections and never answers',
      prepare: (server) => server.silence(),
      code: 'TUNNEL_SILENT',
      timeoutMs: 1_000,
    },
    {
      when: 'the server is broken for too long',
      prepare: (server) => server.answerNext(...Array(10).fill({ status: 503 })),
      code: 'TUNNEL_SILENT',
      timeoutMs: 1_000,
    },
  ]

  it.each(failures)('fails with $code when $when', async ({ prepare, code, timeoutMs }) => {
    const limit = timeoutMs === undefined ? {} : { timeoutMs }
    const { server, world, provider } = await setup({ subdomain: 'wanted', ...limit })
    await prepare(server)
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({ code })
    expect(world.running()).toEqual([])
  })

  it('waits out a server that is broken for a moment', async () => {
    const { server, provider } = await setup()
    server.answerNext({ status: 503 })
    const tunnel = await provider.open(nowhere, { signal })
    await tunnel.close()
  })

  it('refuses another name than the one asked for, unless any will do', async () => {
    const { server, provider } = await setup({ subdomain: 'wanted' })
    const any = { host: server.host, subdomain: 'wanted', anySubdomain: true }
    const world = createWorld()
    const relaxed = createTunnelProvider('localtunnel', any, world.dependencies)
    const first = await provider.open(nowhere, { signal })
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_NAME_TAKEN',
      message: expect.stringContaining('instead of "wanted"'),
    })
    const second = await relaxed.open(nowhere, { signal })
    expect(second.publicUrl.href).not.toBe(first.publicUrl.href)
    await Promise.all([first.close(), second.close()])
    world.close()
  })

  it('gets its name back right after it was closed', async () => {
    const { provider } = await setup({ subdomain: 'wanted' })
    const first = await provider.open(nowhere, { signal })
    await first.close()
    const second = await provider.open(nowhere, { signal })
    expect(second.publicUrl.href).toBe(first.publicUrl.href)
    await second.close()
  })

  it('asks for the name it was given before, and for any other only when that is gone', async () => {
    const { server, provider } = await setup()
    const open = () => provider.open(nowhere, { signal })
    const first = await open()
    await server.restart()
    await first.ended
    const second = await open()
    expect(second.publicUrl.href).toBe(first.publicUrl.href)
    await second.close()
    const third = await open()
    expect(third.publicUrl.href).toBe(first.publicUrl.href)
    const [name = ''] = server.names()
    await server.restart()
    await third.ended
    // Somebody else has it now.
    await fetch(new URL(name, server.host))
    const fourth = await open()
    expect(fourth.publicUrl.href).not.toBe(first.publicUrl.href)
    await fourth.close()
  })

  it('does not insist on a name that it was given when the server refuses it', async () => {
    const { server, provider } = await setup()
    const first = await provider.open(nowhere, { signal })
    await first.close()
    server.answerNext({ status: 409 }, { status: 409 })
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_NAME_TAKEN',
    })
    const second = await provider.open(nowhere, { signal })
    expect(second.publicUrl.href).not.toBe(first.publicUrl.href)
    await second.close()
  })

  it('connects to the server behind it only for requests, not for idle sockets', async () => {
    const { provider } = await setup()
    const target = await startTarget()
    const tunnel = await provider.open(target.url, { signal })
    expect(target.connections()).toBe(0)
    await visit(locate(tunnel.publicUrl), '/hello')
    expect(target.connections()).toBe(1)
    await tunnel.close()
    await target.stop()
  })

  it('answers 502 while the server behind it is away, and works when it is back', async () => {
    const { provider } = await setup()
    const target = await startTarget()
    const tunnel = await provider.open(target.url, { signal })
    const address = locate(tunnel.publicUrl)
    await target.stop()
    expect(await visit(address, '/hello')).toMatchObject({ status: 502 })
    await target.restart()
    expect(await visit(address, '/hello')).toMatchObject({ status: 200 })
    await tunnel.close()
    await target.stop()
  })

  it('loses no socket to answers that are cut off', async () => {
    const { provider } = await setup({}, 3)
    const target = await startTarget()
    const tunnel = await provider.open(target.url, { signal })
    const address = locate(tunnel.publicUrl)
    for (let round = 0; round < 6; round += 1) {
      const held = target.nextHeld()
      const { sent, answered } = startVisit(address, '/hold', { method: 'POST' })
      sent.end()
      await held
      await target.stop()
      await expect(answered.then(({ statusCode }) => statusCode)).resolves.toBe(502)
      await target.restart()
    }
    expect(await visit(address, '/hello')).toMatchObject({ status: 200 })
    await tunnel.close()
    await target.stop()
  })

  it('goes on serving after its sockets were reset', async () => {
    const { server, provider } = await setup()
    const target = await startTarget()
    const tunnel = await provider.open(target.url, { signal })
    server.dropSockets()
    expect(await visit(locate(tunnel.publicUrl), '/hello')).toMatchObject({ status: 200 })
    await tunnel.close()
    await target.stop()
  })

  it('makes a call wait while as many streams are held as it has sockets', async () => {
    const { provider } = await setup()
    const target = await startTarget()
    const tunnel = await provider.open(target.url, { signal })
    const address = locate(tunnel.publicUrl)
    const streams = Array.from({ length: 10 }, () => startVisit(address, '/events'))
    for (const { sent, answered } of streams) {
      sent.end()
      await untilSaid(await answered, ': open')
    }
    const waiting = visit(address, '/hello')
    streams[0]?.sent.destroy()
    expect(await waiting).toMatchObject({ status: 200 })
    for (const { sent } of streams) sent.destroy()
    await tunnel.close()
    await target.stop()
  })
})
