import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import {
  createRefusalWarner,
  explainRefusal,
  greetingOf,
  judgeFailure,
} from '../../src/tls/client-refusal.ts'
import { createTestAuthority, hasCommand, run, serve } from './lab.ts'

describe('a failed handshake', () => {
  it.each<[string | undefined, string | undefined, boolean, string, string]>([
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', undefined, true, 'refused', 'alert 48'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'localhost', true, 'refused', 'alert 42'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'localhost', true, 'refused', 'alert 42'],
    ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', undefined, true, 'refused', 'alert 46'],
    ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', undefined, true, 'refused', 'alert 45'],
    ['ECONNRESET', 'localhost', true, 'hung-up', 'hung up when it saw'],
    ['ECONNRESET', undefined, true, 'hung-up', 'hung up when it saw'],
    ['ECONNRESET', undefined, false, 'other', 'hung up before'],
    ['ERR_SSL_HTTP_REQUEST', undefined, true, 'other', 'plain HTTP'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', undefined, true, 'other', 'alert 70'],
    ['ERR_SSL_NO_SHARED_CIPHER', 'localhost', true, 'other', 'ERR_SSL_NO_SHARED_CIPHER'],
    [undefined, undefined, false, 'other', 'no code'],
  ])(
    'with %s, asking for %s, having spoken (%s), is judged %s',
    (code, servername, spoke, failure, words) => {
      const judged = judgeFailure(code, { servername, spoke })
      expect(judged).toBe(failure)
      expect(explainRefusal(code, judged)).toContain(words)
    },
  )
})

const refused = Object.assign(new Error(), { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' })
const hungUp = Object.assign(new Error(), { code: 'ECONNRESET' })

const asking = (servername: string | undefined) => ({ servername, spoke: true })

function createWarner(caFile: string | undefined = '/certs/ca.pem') {
  let now = 0
  const names = ['localhost', '*.example.com']
  const warner = createRefusalWarner({
    now: () => now,
    shown: () => ({ names, caFile, isConstrained: caFile !== undefined }),
  })
  const warn = (error: NodeJS.ErrnoException, servername: string | undefined) =>
    warner(error, asking(servername))
  return { warn, pass: (ms: number) => (now += ms) }
}

describe('the warning about clients that refuse us', () => {
  it('comes once a minute at most', () => {
    const { warn, pass } = createWarner()
    expect(warn(refused, 'localhost')).toMatchObject({ code: 'CLIENT_REFUSED_CERTIFICATE' })
    pass(59_999)
    expect(warn(refused, 'localhost')).toBeUndefined()
    pass(1)
    expect(warn(refused, 'localhost')).toBeDefined()
  })

  it.each([
    [refused, 'localhost', 'it does not know our authority', 'NODE_EXTRA_CA_CERTS=/certs/ca.pem'],
    [refused, undefined, 'it does not know our authority', 'pnpm sallyport env'],
    [refused, undefined, 'UNSUPPORTED_CONSTRAINT_TYPE', 'Give it https://localhost'],
    [hungUp, undefined, 'Claude Code or Bun', 'Give it https://localhost'],
    [hungUp, 'mcp.example.com', 'as Node programs do', 'pnpm sallyport env'],
    [hungUp, 'a.b.example.com', 'does not cover', 'allowedHosts'],
    [refused, 'old-host', '"old-host", which the certificate does not cover', 'allowedHosts'],
  ])('says of %s for %s why and what to do', (error, servername, message, hint) => {
    expect(createWarner().warn(error, servername)).toMatchObject({
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
  })

  it('names no file of ours when the root is not ours', () => {
    const warner = createRefusalWarner({
      now: () => 0,
      shown: () => ({ names: [], caFile: undefined, isConstrained: false }),
    })
    expect(warner(refused, asking(undefined))).toMatchObject({
      message: 'A client refused the certificate: it does not know who signed it.',
      hint: expect.stringContaining('SSL_CERT_PATH'),
    })
  })

  it('does not come for other failures', () => {
    const { warn } = createWarner()
    expect(warn(Object.assign(new Error(), { code: 'ERR_SSL_HTTP_REQUEST' }), 'localhost')).toBe(
      undefined,
    )
    expect(warn(refused, undefined)).toBeDefined()
  })
})

describe('real clients that do not know the authority', () => {
  async function failureOf(visit: (port: number) => unknown): Promise<string> {
    const authority = await createTestAuthority()
    const { server, port } = await serve(await authority.issue(['localhost']))
    const failed = new Promise<string>((resolve) => {
      server.once('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) =>
        resolve(judgeFailure(error.code, greetingOf(socket))),
      )
    })
    visit(port)
    return failed
  }
  const script = 'fetch(process.argv[1]).catch(() => {})'

  it.each(['localhost', '127.0.0.1'])(
    'are seen to hang up at %s when they are Node',
    async (host) => {
      const visit = (port: number) =>
        execFile(process.execPath, ['-e', script, `https://${host}:${port}`])
      expect(await failureOf(visit)).toBe('hung-up')
    },
  )

  it.skipIf(!hasCommand('curl'))(
    'are seen to refuse when they are curl (skipped where it is not installed)',
    async () => {
      expect(await failureOf((port) => run('curl', ['-s', `https://localhost:${port}`]))).toBe(
        'refused',
      )
    },
  )

  it.skipIf(!hasCommand('python3'))(
    'are seen to refuse when they are Python (skipped where it is not installed)',
    async () => {
      const get = 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])'
      const visit = (port: number) => run('python3', ['-c', get, `https://localhost:${port}`])
      expect(await failureOf(visit)).toBe('refused')
    },
  )

  it('are not confused with somebody who only knocks', async () => {
    const knock = (port: number) => {
      const socket = connect(port, '127.0.0.1', () => socket.destroy())
    }
    expect(await failureOf(knock)).toBe('other')
  })
})
