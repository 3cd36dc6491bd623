import { randomBytes, randomUUID } from 'node:crypto'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import { pipeline } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { EdgeCertificate } from './certificates.ts'
import { openGate } from './gate.ts'
import { secureSocket } from './secure-socket.ts'
import { type RegistrationAnswer, serveRegistration } from './tunnel-registration.ts'
import { forwardedHeaders, openPublicSide } from './visitors.ts'

export interface CloudflareEdge {
  /** For `--quick-service`. */
  readonly quickService: string
  /** For `--edge`. */
  readonly address: string
  /** Port where visitors reach every tunnel, by Host. */
  readonly publicPort: number
  /** Adds a tunnel whose rules the service keeps, and returns its token. */
  addNamedTunnel(hostname: string): string
  /** The secret of a tunnel no longer counts. */
  revoke(): void
  /** Answers requests for a quick tunnel in this way. */
  answerQuick(answer: { status: number; body: string } | undefined): void
  sessions(): number
  dropSockets(): void
  refuse(): Promise<void>
  silence(): void
  restore(): Promise<void>
  close(): Promise<void>
}

interface KnownTunnel {
  readonly secret: string
  readonly hostname: string
  readonly isRemote: boolean
}

interface EdgeSession {
  readonly http2: ClientHttp2Session
  /** Set once it is registered. */
  hostname: string | undefined
}

/**
 * A loopback Cloudflare for cloudflared with `--protocol http2`: the service that hands out quick
 * tunnels, the edge it registers with (TLS, where cloudflared is the HTTP/2 *server*; the first
 * stream carries Cap'n Proto), and the public side.
 */
export async function startCloudflareEdge(certificate: EdgeCertificate): Promise<CloudflareEdge> {
  const tunnels = new Map<string, KnownTunnel>()
  const sessions = new Set<EdgeSession>()
  let quickAnswer: { status: number; body: string } | undefined
  let revoked = false

  function addTunnel(hostname: string, isRemote: boolean) {
    const id = randomUUID()
    const secret = randomBytes(32).toString('base64')
    tunnels.set(id.replaceAll('-', ''), { secret, hostname, isRemote })
    return { id, secret }
  }

  const quickServer = createHttpServer((_, response) => {
    if (quickAnswer) return response.writeHead(quickAnswer.status).end(quickAnswer.body)
    const hostname = `loop-${randomBytes(3).toString('hex')}.trycloudflare.com`
    const { id, secret } = addTunnel(hostname, false)
    const result = { id, name: `qt-${id}`, hostname, account_tag: 'loopback', secret }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ success: true, errors: [], result }))
  })

  function onConnection(socket: TLSSocket): void {
    const http2 = connect('https://h2.cftunnel.com', { createConnection: () => socket })
    const session: EdgeSession = { http2, hostname: undefined }
    sessions.add(session)
    const forget = () => sessions.delete(session)
    http2.on('error', forget)
    http2.on('close', forget)
    socket.on('close', forget)
    const control = http2.request(
      {
        ':method': 'POST',
        ':path': '/',
        'cf-cloudflared-proxy-connection-upgrade': 'control-stream',
      },
      { endStream: false },
    )
    control.on('error', () => {})
    serveRegistration(control, {
      register: ({ tunnelId, secret }): RegistrationAnswer => {
        const tunnel = tunnels.get(tunnelId)
        if (revoked || tunnel?.secret !== secret) {
          hangUp()
          return { ok: false, error: 'Unauthorized: Invalid tunnel secret', retry: false }
        }
        session.hostname = tunnel.hostname
        return { ok: true, connectionId: randomUUID(), isRemote: tunnel.isRemote }
      },
      unregister() {
        session.hostname = undefined
        hangUp()
      },
    })
    // After the answer is out: cloudflared waits for the edge to go.
    function hangUp(): void {
      setTimeout(() => {
        control.end()
        http2.close()
      }, 20)
    }
  }

  const quick = await openGate((socket) => quickServer.emit('connection', socket))
  const edge = await openGate((socket) => secureSocket(socket, certificate, onConnection))
  const publicSide = await openPublicSide((request, response) => {
    const session = [...sessions].find(({ hostname }) => hostname === request.headers.host)
    if (session) forwardVisit(session.http2, { request, response })
    else response.writeHead(530).end('error code: 1033')
  })
  return {
    quickService: `http://127.0.0.1:${quick.port}`,
    address: `127.0.0.1:${edge.port}`,
    publicPort: publicSide.port,
    addNamedTunnel(hostname) {
      const { id, secret } = addTunnel(hostname, true)
      const token = { a: 'loopback', t: id, s: secret }
      return Buffer.from(JSON.stringify(token)).toString('base64')
    },
    revoke() {
      revoked = true
    },
    answerQuick(answer) {
      quickAnswer = answer
    },
    sessions: () => sessions.size,
    dropSockets: edge.dropSockets,
    silence() {
      quick.silence()
      edge.silence()
    },
    async refuse() {
      await Promise.all([quick.refuse(), edge.refuse()])
    },
    async restore() {
      revoked = false
      await Promise.all([quick.restore(), edge.restore()])
    },
    async close() {
      await Promise.all([quick.close(), edge.close(), publicSide.close()])
    },
  }
}

/** The headers of an answer come packed in one, as base64 pairs. */
const packedHeaders = 'cf-cloudflared-response-headers'

function forwardVisit(
  session: ClientHttp2Session,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): void {
  const { host, ...headers } = forwardedHeaders(request)
  delete headers['transfer-encoding']
  const onward = session.request(
    {
      ...headers,
      ':method': request.method ?? 'GET',
      ':path': request.url ?? '/',
      ':scheme': 'https',
      ':authority': String(host),
      'cf-connecting-ip': request.socket.remoteAddress ?? '',
    } satisfies OutgoingHttpHeaders,
    { endStream: false },
  )
  onward.on('response', (answer) => {
    const packed = String(answer[packedHeaders] ?? '')
    const pairs = packed.split(';').filter((pair) => pair !== '')
    const unpacked = pairs.flatMap((pair) =>
      pair.split(':').map((part) => Buffer.from(part, 'base64').toString()),
    )
    response.writeHead(Number(answer[':status']), withoutHopByHop(unpacked))
    response.flushHeaders()
    pipeline(onward, response, () => {})
  })
  onward.on('error', () => {
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end()
  })
  response.once('close', () => onward.close(constants.NGHTTP2_CANCEL))
  pipeline(request, onward, () => {})
}

function withoutHopByHop(pairs: string[]): string[] {
  const hop = /^(?:connection|keep-alive|transfer-encoding|upgrade)$/i
  return pairs.filter((_, index) => !hop.test(pairs[index - (index % 2)] ?? ''))
}
