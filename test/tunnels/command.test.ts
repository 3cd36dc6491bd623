import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTunnelProvider } from '../../src/tunnels/tunnel-providers.ts'
import { startLocaltunnelServer } from '../emulators/localtunnel-server.ts'
import { testTunnelProvider } from './tunnel-provider.contract.ts'
import { createWorld } from './world.ts'

const node = process.execPath
const signal = new AbortController().signal
const nowhere = new URL('http://127.0.0.1:9')

testTunnelProvider('command', async () => {
  const server = await startLocaltunnelServer()
  const world = createWorld()
  const program = createRequire(import.meta.url).resolve('localtunnel/bin/lt.js')
  const options = {
    commandLine: `'${node}' '${program}' --port {port} --host ${server.host.origin}`,
    urlPattern: /your url is: (\S+)/,
    cwd: tmpdir(),
  }
  return {
    provider: createTunnelProvider('command', options, world.dependencies),
    world,
    edge: server,
    locate: ({ host, port }) => ({ host, port: Number(port) }),
    secrets: [],
    async close() {
      await server.close()
      world.close()
    },
  }
})

describe('the command provider', () => {
  function providerOf(commandLine: string | undefined, timeoutMs = 10_000) {
    const world = createWorld()
    onTestFinished(() => world.close())
    const options = { commandLine, urlPattern: /https?:\S+/g, cwd: tmpdir(), timeoutMs }
    return { world, provider: createTunnelProvider('command', options, world.dependencies) }
  }

  it('was not asked for without a command line', async () => {
    const { provider } = providerOf(undefined)
    expect(await provider.check()).toMatchObject({ ok: false, configured: false })
  })

  it('fills in where the tunnel leads, and takes the origin of what the pattern finds', async () => {
    const { provider } = providerOf('echo see https://{host}:{port}/a?to={url} ; sleep 60')
    const tunnel = await provider.open(nowhere, { signal })
    expect(tunnel.publicUrl.href).toBe('https://127.0.0.1:9/')
    await tunnel.close()
  })

  it('kills what the command has started along with it', async () => {
    const { provider, world } = providerOf('sleep 60 & echo https://a.example ; wait')
    const tunnel = await provider.open(nowhere, { signal })
    await tunnel.close()
    expect(world.started).toHaveLength(1)
    await expect.poll(() => world.running()).toEqual([])
  })

  it('shows the words of a command that fails, without what looks like a credential', async () => {
    const { provider } = providerOf('echo "no such host, token: abcdef" >&2; exit 3')
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_CLIENT_ENDED',
      message: 'The tunnel command exited with code 3: no such host, token: REDACTED',
    })
  })

  it('gives up on a command that prints no address', async () => {
    const { provider, world } = providerOf('echo hello; sleep 60', 300)
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_SILENT',
    })
    await expect.poll(() => world.running()).toEqual([])
  })
})
