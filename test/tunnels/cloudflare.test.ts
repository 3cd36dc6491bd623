import { mkdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { CloudflareTunnel } from '../../src/tunnels/cloudflared.ts'
import { checksumOf, findCloudflared, pinFileOf } from '../../src/tunnels/cloudflared-binary.ts'
import type { CloudflareOptions } from '../../src/tunnels/providers/cloudflare.ts'
import { createTunnelProvider } from '../../src/tunnels/tunnel-providers.ts'
import { issueEdgeCertificate } from '../emulators/certificates.ts'
import { type CloudflareEdge, startCloudflareEdge } from '../emulators/cloudflare-edge.ts'
import { placeCloudflared } from '../emulators/cloudflared-binary.ts'
import { startTarget } from './target.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { type TunnelHarness, testTunnelProvider } from './tunnel-provider.contract.ts'
import { visit } from './visitor.ts'
import { createWorld } from './world.ts'

const signal = new AbortController().signal
const nowhere = new URL('http://127.0.0.1:9')
const realBinary = process.env.CLOUDFLARED_BIN
const quick = (): CloudflareTunnel => ({ kind: 'quick' })
const named = (edge: CloudflareEdge): CloudflareTunnel => {
  const hostname = 'mcp.example.test'
  return { kind: 'token', token: edge.addNamedTunnel(hostname), hostname }
}

testTunnelProvider('cloudflare (quick)', () => setup(quick))
testTunnelProvider('cloudflare (token)', () => setup(named))
if (realBinary) testTunnelProvider('cloudflare (quick, real)', () => setup(quick, { realBinary }))

async function setup(
  tunnelOf: (edge: CloudflareEdge) => CloudflareTunnel,
  {
    realBinary: realPath,
    overrides = () => ({}),
  }: {
    realBinary?: string
    overrides?: (edge: CloudflareEdge, folder: string) => Partial<CloudflareOptions>
  } = {},
): Promise<TunnelHarness & { edge: CloudflareEdge }> {
  const certificate = await issueEdgeCertificate()
  const edge = await startCloudflareEdge(certificate)
  const folder = await temporaryFolder()
  const caCertFile = join(folder.path, 'ca.pem')
  await writeFile(caCertFile, certificate.ca)
  const bin = realPath ?? (await placeCloudflared(folder.path))
  const world = createWorld({ HOME: folder.path })
  const tunnel = tunnelOf(edge)
  const options = {
    tunnel,
    binary: { bin, searchPath: '', installDir: folder.path },
    protocol: 'http2' as const,
    edge: { quickService: edge.quickService, address: edge.address, caCertFile },
    reconnectMs: 3_000,
    ...overrides(edge, folder.path),
  }
  return {
    provider: createTunnelProvider('cloudflare', options, world.dependencies),
    world,
    edge,
    locate: ({ host }) => ({ host, port: edge.publicPort }),
    secrets: tunnel.kind === 'token' ? [tunnel.token] : [],
    async close() {
      await edge.close()
      await folder.remove()
      world.close()
    },
  }
}

describe('the cloudflare provider', () => {
  type Overrides = Omit<Partial<CloudflareOptions>, 'edge'>

  async function world(
    overrides: (edge: CloudflareEdge, folder: string) => Overrides = () => ({}),
  ) {
    const harness = await setup(quick, { overrides })
    onTestFinished(() => harness.close())
    return harness
  }

  it('says that cloudflared is missing, and where it looked', async () => {
    const named = await world(() => ({
      binary: { bin: '/no/cloudflared', searchPath: '', installDir: '/no' },
    }))
    expect(await named.provider.check()).toMatchObject({
      ok: false,
      code: 'TUNNEL_CLIENT_MISSING',
      message: expect.stringContaining('/no/cloudflared'),
    })
    const searched = await world(() => ({
      binary: { bin: undefined, searchPath: '/no', installDir: '/no' },
    }))
    await expect(searched.provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_CLIENT_MISSING',
    })
  })

  it('finds cloudflared on PATH, and the installed one as long as its checksum is the pinned one', async () => {
    const folder = await temporaryFolder()
    onTestFinished(() => folder.remove())
    const path = await placeCloudflared(folder.path)
    const places = { bin: undefined, searchPath: `/no:${folder.path}`, installDir: '/no' }
    expect(await findCloudflared(places)).toEqual({ ok: true, path })
    const installed = { bin: undefined, searchPath: '', installDir: folder.path }
    expect(await findCloudflared(installed)).toMatchObject({ code: 'TUNNEL_CLIENT_CHANGED' })
    await writeFile(pinFileOf(path), `${await checksumOf(path)}\n`)
    expect(await findCloudflared(installed)).toEqual({ ok: true, path })
  })

  it('asks for the host name of a tunnel of the user', async () => {
    const tunnel = { kind: 'token', token: 'x', hostname: undefined } as const
    const { provider } = await world(() => ({ tunnel }))
    expect(await provider.check()).toMatchObject({ configured: true, code: 'TUNNEL_NAME_REFUSED' })
  })

  it.each([
    [
      'says that no more quick tunnels are to be had',
      { status: 429, body: 'error code: 1015' },
      'TUNNEL_RATE_LIMITED',
    ],
    ['says that Cloudflare answered nonsense', { status: 500, body: 'oops' }, 'TUNNEL_UNREACHABLE'],
  ])('%s', async (_, answer, code) => {
    const { provider, edge, world: processes } = await world()
    edge.answerQuick(answer)
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({ code })
    expect(processes.running()).toEqual([])
  })

  it('says that Cloudflare cannot be reached', async () => {
    const { provider, edge } = await world()
    await edge.refuse()
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_UNREACHABLE',
    })
  })

  it('gives up on a Cloudflare that never answers', async () => {
    const { provider, edge } = await world(() => ({ timeoutMs: 700 }))
    edge.silence()
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_SILENT',
    })
  })

  it('names the blocked UDP instead of trying for ever', async () => {
    const { provider } = await world(() => ({ protocol: 'quic' }))
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_UDP_BLOCKED',
    })
  })

  it.each([
    'no token at all',
    Buffer.from('{"a":"x","t":"00000000000000000000000000000000","s":"eA=="}').toString('base64'),
  ])('refuses a token that is not valid (%s)', async (token) => {
    const hostname = 'mcp.example.test'
    const { provider } = await world(() => ({ tunnel: { kind: 'token', token, hostname } }))
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_TOKEN_INVALID',
    })
  })

  it('opens a tunnel by its name, with the credentials that `cloudflared tunnel create` left', async () => {
    const hostname = 'mcp.example.test'
    const { provider } = await world((edge, folder) => {
      const { a, t, s } = JSON.parse(
        Buffer.from(edge.addNamedTunnel(hostname), 'base64').toString(),
      )
      mkdirSync(join(folder, '.cloudflared'))
      writeFileSync(
        join(folder, '.cloudflared/mine.json'),
        JSON.stringify({ AccountTag: a, TunnelID: t, TunnelSecret: s }),
      )
      return { tunnel: { kind: 'name', tunnelName: 'mine', hostname } }
    })
    const tunnel = await provider.open(nowhere, { signal })
    expect(tunnel.publicUrl.href).toBe('https://mcp.example.test/')
    await tunnel.close()
  })

  it('says that there are no credentials for a name', async () => {
    const named = {
      kind: 'name',
      tunnelName: 'mine',
      hostname: 'a.test',
    } as const
    const { provider } = await world(() => ({ tunnel: named }))
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_AUTH_REQUIRED',
    })
  })

  it("is not led astray by the user's own configuration of cloudflared", async () => {
    const { provider, locate } = await world((_, folder) => {
      mkdirSync(join(folder, '.cloudflared'))
      writeFileSync(
        join(folder, '.cloudflared/config.yml'),
        'ingress:\n  - service: http_status:404\n',
      )
      return {}
    })
    const target = await startTarget()
    const tunnel = await provider.open(target.url, { signal })
    expect(await visit(locate(tunnel.publicUrl), '/hello')).toMatchObject({ status: 200 })
    await tunnel.close()
    await target.stop()
  })

  it('fails for good when its secret is revoked, and is lost when the edge is gone', async () => {
    const { provider, edge } = await world(() => ({ reconnectMs: 10_000 }))
    const revoked = await provider.open(nowhere, { signal })
    edge.revoke()
    edge.dropSockets()
    expect(await revoked.ended).toMatchObject({ reason: 'failed' })
    await edge.restore()
    const impatient = await world(() => ({ reconnectMs: 300 }))
    const lost = await impatient.provider.open(nowhere, { signal })
    await impatient.edge.refuse()
    expect(await lost.ended).toMatchObject({ reason: 'lost' })
  })
})
