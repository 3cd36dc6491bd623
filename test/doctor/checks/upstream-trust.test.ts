import { readdir, readFile, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { upstreamTrust } from '../../../src/doctor/checks/upstream-trust.ts'
import type { GatewayView, RunningGateway } from '../../../src/doctor/find-gateway.ts'
import { temporaryFolder } from '../../cli/helpers.ts'
import { resolveTestFile, type ServerSketch } from '../../fixtures/gateway.ts'
import { bundlesBeside, byTest, pem, tamperWith } from '../../gateway/trust-lab.ts'
import { issue, issueChain } from '../../tls/upstream/lab.ts'
import { say, startLab } from '../lab.ts'

type Chain = Awaited<ReturnType<typeof issueChain>>

const absent: GatewayView = { state: 'absent' }

/** A folder in which a gateway has run that now has these servers, and what is said of them. */
async function startWith(servers: Record<string, ServerSketch>) {
  const lab = await startLab({ https: false })
  await lab.gateway.close()
  const { bundles, store, close } = bundlesBeside(lab)
  onTestFinished(close)
  const config = { ...lab.config, servers: resolveTestFile(lab.config, { servers }).servers }
  const judge = async (gateway = absent, home = config.home) => {
    const configuration = { ok: true, config: { ...config, home }, warnings: [] } as const
    return say(upstreamTrust, await lab.world({}, { gateway, configuration }))
  }
  return { home: config.home, bundles, store, judge }
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function serve(chain: Chain, options: ServerOptions = {}): Promise<string> {
  const cert = chain.leaf.pem + chain.intermediate.pem
  const server = createServer({ cert, key: chain.leaf.keyPem, ...options })
  return `https://localhost:${await portOf(server)}/mcp`
}

/** Servers that accept connections and never say a word. */
function createSilence() {
  const sockets = new Set<Socket>()
  let most = 0
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    async serve(): Promise<string> {
      const server = createTcpServer((socket) => {
        sockets.add(socket)
        most = Math.max(most, sockets.size)
        socket.once('close', () => sockets.delete(socket)).on('error', () => {})
      })
      return `https://127.0.0.1:${await portOf(server)}/mcp`
    },
    /** The most connections that were open at the same time. */
    most: () => most,
  }
}

async function everything(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).toSorted()
  const read = async (name: string) => readFile(join(folder, name), 'base64').catch(() => '')
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await read(name)] as const)),
  )
}

describe('the check of certificates of servers', () => {
  it('connects to each of them at once, and gives one command each', async () => {
    const chain = await issueChain()
    const otherName = await issueChain(['elsewhere.test'])
    const plain = await portOf(createHttpServer((_, response) => void response.end('ok')))
    const off = await issueChain()
    const silence = createSilence()
    const asking = { ca: chain.root.pem, requestCert: true, rejectUnauthorized: true }
    const { bundles, judge } = await startWith({
      good: { url: await serve(chain) },
      unknown: { url: await serve(off) },
      short: { url: await serve(off, { cert: off.leaf.pem }) },
      named: { url: await serve(otherName) },
      plain: { url: `https://127.0.0.1:${plain}/mcp` },
      asking: { url: await serve(chain, asking) },
      gone: { url: 'https://127.0.0.1:1/mcp' },
      silent: { url: await silence.serve() },
      mute: { url: await silence.serve() },
      quiet: { url: await silence.serve() },
      unencrypted: { url: 'http://127.0.0.1:1/mcp' },
      command: { command: 'true' },
    })
    const roots = { good: chain, named: otherName, asking: chain }
    for (const [name, { root }] of Object.entries(roots)) {
      await bundles.replace(name, [pem(root.pem)], byTest)
    }
    const lines = await judge()
    expect(lines).toEqual([
      'ok: Server "good" shows a certificate that verifies.',
      expect.stringMatching(
        /^fail: Server "unknown" .*sends 2 certificates, and CN=Lab Root, .* -> pnpm sallyport ca add unknown <file>$/,
      ),
      expect.stringMatching(
        /^fail: Server "short" .*sends only its own certificate, and CN=Lab Issuing CA.* -> pnpm sallyport ca add short <file>$/,
      ),
      expect.stringMatching(
        /^fail: Server "named" .*is made for elsewhere\.test, not for localhost\. -> Use one of the names/,
      ),
      expect.stringMatching(/^fail: Server "plain" .*answers in plain HTTP.* -> Use the port/),
      expect.stringMatching(
        /^fail: Server "asking" .*asks for a client certificate.* -> pnpm sallyport ca add asking --client-cert <file> --client-key <file>$/,
      ),
      expect.stringMatching(/^warn: Server "gone" .*the connection was refused.* -> Start the/),
      ...['silent', 'mute', 'quiet'].map((name) =>
        expect.stringMatching(`^warn: Server "${name}" .*did not answer in time`),
      ),
    ])
    expect(silence.most()).toBe(3)
  })

  it('refuses what was changed by somebody else', async () => {
    const chain = await issueChain()
    const { bundles, store, judge } = await startWith({ corp: { url: await serve(chain) } })
    await bundles.replace('corp', [pem(chain.root.pem)], byTest)
    await tamperWith(store, 'corp', (await issueChain()).root.pem)
    expect(await judge()).toEqual([
      expect.stringMatching(
        /^fail: .*its CA bundle cannot be believed.* -> pnpm sallyport ca add corp --replace <files>$/,
      ),
    ])
  })

  it('warns of what is kept and expires within 30 days', async () => {
    const root = await issue({ name: 'Old Root', until: 20 })
    const names = ['localhost']
    const leaf = await issue({ name: 'server', issuer: root, ca: false, names, until: 10 })
    const client = await issue({ name: 'us', issuer: root, ca: false, until: 5 })
    const url = await serve({ root, intermediate: root, leaf })
    const { bundles, judge } = await startWith({ corp: { url } })
    await bundles.replace('corp', [pem(root.pem)], byTest)
    const pair = { cert: pem(client.pem), key: pem(client.keyPem, 'client.key') }
    await bundles.setClientCertificate('corp', pair, byTest)
    expect(await judge()).toEqual([
      'ok: Server "corp" shows a certificate that verifies.',
      expect.stringMatching(
        /^warn: The CA certificate CN=Old Root .* expires on \S+\. -> pnpm sallyport ca add corp <file>$/,
      ),
      expect.stringMatching(
        /^warn: The client certificate CN=us .* expires on \S+\. -> pnpm sallyport ca add corp --client-cert/,
      ),
    ])
  })

  it('warns of verification that is switched off, and fails where others reach us', async () => {
    const chain = await issueChain()
    const tls = { insecureSkipVerify: true }
    const url = await serve(chain)
    const { bundles, judge } = await startWith({ corp: { url, tls } })
    expect(await judge()).toEqual([
      expect.stringMatching(
        /^warn: The certificate of server "corp" is not checked .* -> pnpm sallyport ca add corp <file>$/,
      ),
    ])
    const here: RunningGateway = {
      state: 'running',
      pid: 1,
      version: '0',
      appUrl: 'https://localhost:3443',
      publicOrigin: undefined,
      localOrigins: ['https://localhost:3443'],
      ownerOrigin: 'https://localhost:3443',
      profiles: [],
      problems: [],
    }
    for (const reached of [
      { publicOrigin: 'https://otter.example' },
      { localOrigins: ['https://localhost:3443', 'https://192.168.1.7:3443'] },
    ]) {
      const [line] = await judge({ ...here, ...reached })
      expect(line).toMatch(/^fail: .*can be reached from beyond this machine, so the server is not/)
    }
    expect((await judge(here))[0]).toMatch(/^warn: /)
    await bundles.replace('corp', [pem(chain.root.pem)], byTest)
    expect((await judge())[0]).toMatch(
      / -> Take "insecureSkipVerify" of "corp" out of gateway\.json: localhost:\d+ verifies\.$/,
    )
  })

  it('makes and changes no file, and says when a key it needs is gone', async () => {
    const chain = await issueChain()
    const client = await issue({ name: 'us', ca: false })
    const { home, bundles, store, judge } = await startWith({ corp: { url: await serve(chain) } })
    const pair = { cert: pem(client.pem), key: pem(client.keyPem, 'client.key') }
    await bundles.put(
      'corp',
      { mode: 'add', files: [pem(chain.root.pem)], clientCertificate: pair },
      byTest,
    )
    store.close()
    const before = await everything(home)
    expect((await judge())[0]).toMatch(/^ok: /)
    expect(await everything(home)).toEqual(before)

    await rm(join(home, 'sealing.key'))
    expect(await judge()).toEqual([
      expect.stringMatching(/^fail: The key file .*sealing\.key cannot be read, .* -> Restore it/),
    ])
    expect(await readdir(home)).not.toContain('sealing.key')

    const fresh = await temporaryFolder()
    expect((await judge(absent, fresh))[0]).toMatch(/^fail: Server "corp" .*CN=Lab Root/)
    expect(await readdir(fresh)).toEqual([])
  })
})
