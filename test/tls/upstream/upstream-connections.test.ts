import { createServer } from 'node:http'
import type { ServerOptions } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { Agent, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { UserError } from '../../../src/errors.ts'
import type { UpstreamTls } from '../../../src/lib/upstream-connections.ts'
import { diagnoseUpstream } from '../../../src/tls/upstream/diagnose-upstream.ts'
import {
  createUpstreamConnections,
  decideVerification,
} from '../../../src/tls/upstream/upstream-connections.ts'
import { startHttpsFront } from '../../fixtures/https-front.ts'
import { createTestAuthority, dayMs } from '../lab.ts'
import { issueClientPair } from './client-pair.ts'
import { issue } from './lab.ts'

const permitted = ['localhost', '127.0.0.0/8']

/** A plain server behind every front. */
async function startPlain(): Promise<string> {
  const server = createServer((_, response) => void response.end('ok'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.closeAllConnections())
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** A server that answers whatever it is sent with these bytes. */
async function startRaw(answer: Buffer): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.once('data', () => socket.end(answer))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function startFront(options: ServerOptions): Promise<string> {
  const front = await startHttpsFront(await startPlain(), options)
  onTestFinished(() => front.close())
  return front.url
}

interface Trust {
  tls?: UpstreamTls
  insecureSkipVerify?: boolean
  isExposed?: boolean
  /** The configured address, when it is not the one that is asked. */
  serverUrl?: string
}

/** Asks once over a connection of its own: the status, or the failure as a person reads it. */
async function ask(url: string, trust: Trust = {}): Promise<number | UserError> {
  const connections = createUpstreamConnections({
    read: async () => trust.tls,
    server: () => ({
      url: trust.serverUrl ?? url,
      tls: { insecureSkipVerify: trust.insecureSkipVerify ?? false },
    }),
    isExposed: () => trust.isExposed ?? false,
  })
  const dispatcher = new Agent({ connect: connections.connector('corp', { timeoutMs: 5_000 }) })
  try {
    const { statusCode, body } = await request(url, { dispatcher })
    await body.dump()
    return statusCode
  } catch (error) {
    const failure = connections.explain('corp', error, new URL(url))
    if (failure instanceof UserError) return failure
    throw error
  } finally {
    await dispatcher.destroy()
  }
}

describe('the name of a certificate is judged by connections and by `ca test` alike', () => {
  it.each<[string, string, readonly string[], string, boolean]>([
    ['the name', 'any', ['localhost'], 'localhost', true],
    ['another name', 'any', ['a.example'], 'localhost', false],
    ['the common name alone', 'localhost', [], 'localhost', true],
    ['another common name alone', 'a.example', [], 'localhost', false],
    ['the common name, and another name', 'localhost', ['a.example'], 'localhost', false],
    ['the address', 'any', ['127.0.0.1'], '127.0.0.1', true],
    ['the address as its common name alone', '127.0.0.1', [], '127.0.0.1', false],
  ])('%s: CN %s, names %j, at %s', async (_, name, names, host, takes) => {
    const root = await issue({ name: 'Corp Root' })
    const leaf = await issue({ name, issuer: root, ca: false, names })
    const front = new URL(await startFront({ cert: leaf.pem, key: leaf.keyPem }))
    const url = `https://${host}:${front.port}/`
    const tls = { ca: [root.pem] }
    const options = { server: 'corp', url, tls, roots: [], timeoutMs: 5_000, now: Date.now() }
    const { verifies } = await diagnoseUpstream(options)
    const answer = await ask(url, { tls })
    expect({ verifies, connects: answer === 200 }).toEqual({ verifies: takes, connects: takes })
  })
})

describe('whether a certificate is checked', () => {
  it.each([
    [false, true, false, 'verify'],
    [false, true, true, 'verify'],
    [true, true, false, 'skip'],
    [true, true, true, 'refuse'],
    [true, false, false, 'verify'],
    [true, false, true, 'verify'],
  ] as const)(
    'insecureSkipVerify %s, own host %s, exposed %s: %s',
    (insecureSkipVerify, isOwnHost, isExposed, expected) => {
      expect(decideVerification({ insecureSkipVerify, isOwnHost, isExposed })).toBe(expected)
    },
  )

  it('is skipped for the own host of the server, on this machine, and nowhere else', async () => {
    const ca = await createTestAuthority(permitted)
    const url = await startFront(await ca.issue(['127.0.0.1']))
    expect(await ask(url, { insecureSkipVerify: true })).toBe(200)
    expect(await ask(url, { insecureSkipVerify: true, isExposed: true })).toMatchObject({
      code: 'TLS_NOT_VERIFIED',
      hint: expect.stringContaining('--tunnel local'),
    })
    expect(
      await ask(url, { insecureSkipVerify: true, serverUrl: 'https://corp.example/mcp' }),
    ).toMatchObject({ code: 'UPSTREAM_UNTRUSTED' })
  })
})

describe('a connection to an upstream', () => {
  it('trusts the bundle, for names of the certificate alone', async () => {
    const ca = await createTestAuthority(permitted)
    const url = await startFront(await ca.issue(['127.0.0.1']))
    expect(await ask(url, { tls: { ca: [ca.certPem] } })).toBe(200)
  })

  it('presents the client certificate', async () => {
    const ca = await createTestAuthority(permitted)
    const clients = await createTestAuthority(permitted)
    const url = await startFront({
      ...(await ca.issue(['127.0.0.1'])),
      ca: clients.certPem,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const clientCertificate = await issueClientPair(clients)
    expect(await ask(url, { tls: { ca: [ca.certPem], clientCertificate } })).toBe(200)
  })

  it('fails when the bundle cannot be read', async () => {
    const refused = new UserError('CA_BUNDLE_REFUSED', 'it cannot be believed')
    const connections = createUpstreamConnections({
      read: () => Promise.reject(refused),
      server: () => undefined,
      isExposed: () => false,
    })
    const dispatcher = new Agent({ connect: connections.connector('corp', { timeoutMs: 5_000 }) })
    const url = await startFront(await (await createTestAuthority(permitted)).issue(['127.0.0.1']))
    await expect(request(url, { dispatcher })).rejects.toBe(refused)
    await dispatcher.destroy()
  })
})

describe('a failure of TLS is explained', () => {
  const command = '`pnpm sallyport ca test corp`'

  it.each([
    [
      'of an authority that is not trusted',
      'not trusted here',
      '`pnpm sallyport ca add corp <file>`',
      async () => {
        const ca = await createTestAuthority(permitted)
        return { url: await startFront(await ca.issue(['127.0.0.1'])), trust: {} }
      },
    ],
    [
      'of another key under the same roots',
      'not trusted here',
      command,
      async () => {
        const [ca, other] = [
          await createTestAuthority(permitted),
          await createTestAuthority(permitted),
        ]
        return {
          url: await startFront(await ca.issue(['127.0.0.1'])),
          trust: { tls: { ca: [other.certPem] } },
        }
      },
    ],
    [
      'of a certificate for another name',
      'not for this name',
      '"url"',
      async () => {
        const ca = await createTestAuthority(permitted)
        return {
          url: await startFront(await ca.issue(['localhost'])),
          trust: { tls: { ca: [ca.certPem] } },
        }
      },
    ],
    [
      'of a certificate that has expired',
      'has expired',
      command,
      async () => {
        const ca = await createTestAuthority(permitted, Date.now() - 400 * dayMs)
        return {
          url: await startFront(await ca.issue(['127.0.0.1'])),
          trust: { tls: { ca: [ca.certPem] } },
        }
      },
    ],
    [
      'of a certificate that is not valid yet',
      'is not valid yet',
      command,
      async () => {
        const ca = await createTestAuthority(permitted, Date.now() + 2 * dayMs)
        return {
          url: await startFront(await ca.issue(['127.0.0.1'])),
          trust: { tls: { ca: [ca.certPem] } },
        }
      },
    ],
    [
      'of a server that asks who calls',
      'client certificate',
      '--client-cert <file> --client-key <file>',
      async () => {
        const ca = await createTestAuthority(permitted)
        const pair = await ca.issue(['127.0.0.1'])
        const url = await startFront({
          ...pair,
          ca: ca.certPem,
          requestCert: true,
          rejectUnauthorized: true,
        })
        return { url, trust: { tls: { ca: [ca.certPem] } } }
      },
    ],
    [
      'of a server that speaks plain HTTP',
      'does not speak TLS',
      'write http://',
      async () => ({
        url: (await startPlain()).replace('http:', 'https:'),
        trust: {},
      }),
    ],
    [
      'of a server that speaks TLS alone',
      'does not speak plain HTTP',
      'write https://',
      async () => ({
        // What OpenSSL answers to plain text: a fatal alert, "unexpected message".
        url: await startRaw(Buffer.from('15030100020210', 'hex')),
        trust: {},
      }),
    ],
  ])('%s', async (_what, says, cure, prepare) => {
    const { url, trust } = await prepare()
    const failure = await ask(url, trust)
    expect(failure).toMatchObject({
      code: 'UPSTREAM_UNTRUSTED',
      hint: expect.stringContaining(cure),
    })
    expect(String(failure)).toContain(says)
    expect(String(failure)).toContain(new URL(url).host)
  })
})
