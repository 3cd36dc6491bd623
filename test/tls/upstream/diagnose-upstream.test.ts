import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { UpstreamTls } from '../../../src/lib/upstream-connections.ts'
import { diagnoseUpstream } from '../../../src/tls/upstream/diagnose-upstream.ts'
import { type Issued, issue, issueChain, rsaKey } from './lab.ts'

const { root, intermediate, leaf } = await issueChain()
const other = await issue({ name: 'Other Root' })
const renewed = await issue({ name: 'Lab Root' })
const ada = await issue({ name: 'ada', issuer: intermediate, ca: false })
const stranger = await issue({ name: 'eve', issuer: other, ca: false })
const expiredRoot = await issue({ name: 'Lab Root', key: root.key, from: -9, until: -1 })
const leafOf = (wanted: Partial<Parameters<typeof issue>[0]>) =>
  issue({ name: 'server', issuer: intermediate, ca: false, names: ['localhost'], ...wanted })

const elsewhere = await leafOf({ names: ['a.example', '10.0.0.1'] })
const nameless = await leafOf({ name: 'elsewhere', names: [] })
const commonName = await leafOf({ name: 'localhost', names: [] })
const old = await leafOf({ from: -9, until: -1 })
const early = await leafOf({ from: 2 })
const weak = await leafOf({ key: rsaKey(1024) })
const lone = await issue({ name: 'localhost', ca: false, names: ['localhost'] })
const loneAuthority = await issue({ name: 'localhost', names: ['localhost'] })

async function listen(server: Server): Promise<number> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A TLS server that sends `sent`, whose first is its own. */
function serve(sent: readonly Issued[], options: TlsOptions = {}): Promise<number> {
  const cert = sent.map(({ pem }) => pem).join('')
  const server = createServer({ cert, key: sent[0]?.keyPem ?? '', ...options }, (socket) => {
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  return listen(server)
}

const trust = (ca: readonly Issued[], client?: Issued): UpstreamTls => ({
  ca: ca.map(({ pem }) => pem),
  ...(client && { clientCertificate: { cert: client.pem + intermediate.pem, key: client.keyPem } }),
})

function diagnose(url: string, tls?: UpstreamTls, timeoutMs = 5_000) {
  const now = Date.now()
  return diagnoseUpstream({ server: 'intranet', url, tls, roots: [], timeoutMs, now })
}

const chain = [leaf, intermediate]
const mutual = (options: TlsOptions = {}): TlsOptions => ({
  requestCert: true,
  ca: [root.pem],
  ...options,
})

describe('a server that verifies', () => {
  it.each<[string, readonly Issued[], UpstreamTls, string, TlsOptions]>([
    ['with its root in the bundle', chain, trust([root]), 'localhost', {}],
    ['at an address', chain, trust([root]), '127.0.0.1', {}],
    ['with its intermediate in the bundle', [leaf], trust([root, intermediate]), 'localhost', {}],
    ['that asks for our certificate', chain, trust([root], ada), 'localhost', mutual()],
    [
      'that asks for our certificate in TLS 1.2',
      chain,
      trust([root], ada),
      'localhost',
      mutual({ maxVersion: 'TLSv1.2' }),
    ],
    [
      'that asks, and does without',
      chain,
      trust([root]),
      'localhost',
      mutual({ rejectUnauthorized: false }),
    ],
  ])('%s has nothing to be explained', async (_, sent, tls, host, options) => {
    const port = await serve(sent, options)
    const diagnosis = await diagnose(`https://${host}:${port}/mcp`, tls)
    expect(diagnosis).toMatchObject({ verifies: true, findings: [] })
    expect(diagnosis.chain.map(({ subject }) => subject)).toEqual(
      sent.map(({ name }) => `CN=${name}`),
    )
  })
})

it('takes a common name as connections do, and says who does not', async () => {
  const port = await serve([commonName, intermediate])
  expect(await diagnose(`https://localhost:${port}/mcp`, trust([root]))).toMatchObject({
    verifies: true,
    findings: [],
    cautions: [
      {
        kind: 'common-name',
        message: expect.stringContaining('names localhost by its common name alone'),
        fix: expect.stringContaining('subject alternative name'),
      },
    ],
  })
})

describe('a server whose chain does not verify', () => {
  it.each<[string, string, readonly Issued[], UpstreamTls | undefined, string, TlsOptions?]>([
    [
      'sends no root, and none is kept',
      'missing-issuer',
      chain,
      undefined,
      'CN=Lab Root, which issued CN=Lab Issuing CA, is neither sent, nor in the bundle',
    ],
    [
      'sends its root, which is not kept',
      'untrusted-root',
      [...chain, root],
      undefined,
      'ends in the root CN=Lab Root (SHA-256 ',
    ],
    [
      'has another root than the one that is kept',
      'missing-issuer',
      chain,
      trust([other]),
      'The bundle holds CN=Other Root, which did not issue it.',
    ],
    [
      'has a root of the same name as the one that is kept',
      'other-root',
      chain,
      trust([renewed]),
      'signed by another key of that name',
    ],
    [
      'sends another root of the same name',
      'other-root',
      [...chain, root],
      trust([renewed]),
      'signed by another key of that name',
    ],
    [
      'sends no intermediate',
      'missing-issuer',
      [leaf],
      trust([root]),
      'sends only its own certificate, and CN=Lab Issuing CA, which issued CN=server,',
    ],
    [
      'has its intermediate in the bundle, but not the root',
      'missing-root',
      [leaf],
      trust([intermediate]),
      'holds the intermediate CN=Lab Issuing CA, but not its issuer CN=Lab Root',
    ],
    [
      'is called otherwise',
      'name-mismatch',
      [elsewhere, intermediate],
      trust([root]),
      'is made for a.example, 10.0.0.1, not for localhost',
    ],
    [
      'has only the common name of another host',
      'name-mismatch',
      [nameless, intermediate],
      trust([root]),
      'has no subject alternative name, not for localhost',
    ],
    [
      'has expired',
      'expired',
      [old, intermediate],
      trust([root]),
      "CN=server in the server's chain does not hold: it expired on",
    ],
    [
      'is for later',
      'not-yet-valid',
      [early, intermediate],
      trust([root]),
      'it is not valid before',
    ],
    [
      'has a root that has expired in the bundle',
      'expired',
      chain,
      trust([expiredRoot]),
      'CN=Lab Root in the bundle does not hold',
    ],
    [
      'signed itself',
      'self-signed-leaf',
      [lone],
      trust([root]),
      'is signed with its own key and is no authority',
    ],
    [
      'is its own authority',
      'self-signed',
      [loneAuthority],
      undefined,
      'it is an authority of its own',
    ],
    [
      'has a short key',
      'too-weak',
      [weak, intermediate],
      trust([root]),
      'too weak',
      { ciphers: 'DEFAULT@SECLEVEL=0' },
    ],
    [
      'asks for a certificate that is not kept',
      'client-certificate-needed',
      chain,
      trust([root]),
      'asks for a client certificate, and none is kept',
      mutual(),
    ],
    [
      'asks for one in TLS 1.2',
      'client-certificate-needed',
      chain,
      trust([root]),
      'asks for a client certificate, and none is kept',
      mutual({ maxVersion: 'TLSv1.2' }),
    ],
    [
      'refuses our certificate',
      'client-certificate-refused',
      chain,
      trust([root], stranger),
      'refused the client certificate',
      mutual(),
    ],
    [
      'speaks old TLS only',
      'old-protocol',
      chain,
      trust([root]),
      'versions of TLS before 1.2',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    ],
  ])('because it %s is told that', async (_, kind, sent, tls, message, options) => {
    const port = await serve(sent, options)
    const diagnosis = await diagnose(`https://localhost:${port}/mcp`, tls)
    expect(diagnosis.verifies).toBe(false)
    expect(diagnosis.findings.map((finding) => finding.kind)).toEqual([kind])
    expect(diagnosis.findings[0]?.message).toContain(message)
    expect(diagnosis.findings[0]?.fix).not.toBe('')
  })

  it('is told everything at once, with the commands that fix it', async () => {
    const server = await leafOf({ names: ['a.example'], from: -9, until: -1 })
    const port = await serve([server, intermediate, root], mutual())
    const { findings } = await diagnose(`https://localhost:${port}`)
    expect(findings.map(({ kind }) => kind)).toEqual([
      'expired',
      'untrusted-root',
      'name-mismatch',
      'client-certificate-needed',
    ])
    expect(findings.flatMap(({ command }) => command ?? [])).toEqual([
      'pnpm sallyport ca add intranet <file>',
      'pnpm sallyport ca add intranet --client-cert <file> --client-key <file>',
    ])
  })
})

describe('a server that cannot be shaken hands with', () => {
  const tcp = (onConnection: (socket: import('node:net').Socket) => void) =>
    listen(createTcpServer(onConnection))
  it.each<[string, string, () => Promise<number>, string]>([
    [
      'speaks plain HTTP',
      'plain-http',
      () => listen(createHttpServer((_, response) => response.end())),
      'answers in plain HTTP',
    ],
    [
      'speaks something else',
      'not-tls',
      () => tcp((socket) => void socket.end('SSH-2.0-OpenSSH_9.9\r\n')),
      'does not speak TLS there',
    ],
    ['never answers', 'timeout', () => tcp(() => {}), 'did not answer in time'],
    [
      'hangs up',
      'handshake',
      () => tcp((socket) => void socket.once('data', () => socket.end())),
      'ended the TLS handshake (ECONNRESET)',
    ],
    [
      'is not there',
      'refused',
      async () => {
        const server = createTcpServer()
        const port = await listen(server)
        server.close()
        await once(server, 'close')
        return port
      },
      'the connection was refused',
    ],
  ])('because it %s is told that', async (_, kind, open, message) => {
    const { verifies, findings, chain } = await diagnose(
      `https://localhost:${await open()}`,
      undefined,
      kind === 'timeout' ? 200 : 5_000,
    )
    expect({ verifies, chain }).toEqual({ verifies: false, chain: [] })
    expect(findings).toMatchObject([{ kind, message: expect.stringContaining(message) }])
  })

  it('because its name does not exist is told that', async () => {
    // A label of 64 characters is refused before anybody is asked.
    const { findings } = await diagnose(`https://${'x'.repeat(64)}.invalid/`)
    expect(findings).toMatchObject([{ kind: 'dns' }])
  })

  it('because its URL is http:// is told that', async () => {
    const { verifies, findings } = await diagnose('http://localhost:1/')
    expect(verifies).toBe(false)
    expect(findings).toMatchObject([{ kind: 'no-tls' }])
  })
})

describe('looking at a chain', () => {
  it('sends nothing to a server, trusted or not', async () => {
    const received: Buffer[] = []
    const cert = leaf.pem + intermediate.pem
    const server = createServer({ cert, key: leaf.keyPem }, (socket) => {
      socket.on('data', (data) => received.push(data))
      socket.on('error', () => {})
    })
    server.on('tlsClientError', () => {})
    const port = await listen(server)
    const closed = once(server, 'connection').then(([socket]) => once(socket, 'close'))
    await diagnose(`https://localhost:${port}/secret?token=x`)
    await closed
    expect(received).toEqual([])
  })
})
