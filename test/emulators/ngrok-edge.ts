import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { EdgeCertificate } from './certificates.ts'
import { type Gate, openGate } from './gate.ts'
import { type MuxadoSession, type MuxadoStream, serveMuxado } from './muxado.ts'
import { secureSocket } from './secure-socket.ts'
import { forwardVisit, openPublicSide } from './visitors.ts'

/** The first four bytes of a stream say what it is for. */
const streamKind = {
  auth: 0,
  bind: 1,
  unbind: 2,
  proxy: 3,
  stopTunnel: 9,
  heartbeat: 0xffffffff,
} as const

/** What an account gets that asks for no name: one domain, always the same. */
const devDomain = 'dev-domain'

export interface NgrokEdge {
  /** `host:port`, for `NGROK_SERVER_ADDR`. */
  readonly address: string
  /** Every authtoken an agent has shown. */
  readonly authtokens: readonly string[]
  /** What agents have said about themselves when they bound an endpoint. */
  readonly binds: readonly NgrokBind[]
  sessions(): number
  /** Refuses every authentication with this code from now on, in the service's words. */
  refuseAuth(code: number | undefined, words?: string): void
  refuseBind(code: number | undefined, words?: string): void
  /** Whether heartbeats are answered. */
  answerHeartbeats(yes: boolean): void
  /** The account's other agent comes online under this name. */
  occupy(domain: string): void
  /** Stops the endpoints and keeps the session, as the dashboard does. */
  stopEndpoints(): void
  goAway(): void
  dropSockets(): void
  refuse(): Promise<void>
  silence(): void
  restore(): Promise<void>
  close(): Promise<void>
}

export interface NgrokBind {
  readonly ForwardsTo: string
  readonly Id?: string
  readonly Proto: string
  readonly Opts: { readonly Domain?: string; readonly Hostname?: string }
}

interface Endpoint {
  readonly id: string
  readonly domain: string
  readonly proto: string
  readonly publicSide: Gate
  /** The session that serves it; undefined while its agent is away. */
  session: MuxadoSession | undefined
}

type Answer = Record<string, unknown>

/**
 * A loopback edge for the agent in `@ngrok/ngrok`: TLS, in it muxado, in it a stream for each call
 * of the agent (one JSON value each way) and for each visitor (a JSON header, then HTTP/1.1).
 */
export async function startNgrokEdge(certificate: EdgeCertificate): Promise<NgrokEdge> {
  const endpoints = new Map<string, Endpoint>()
  const publicPorts = new Map<string, number>()
  const sessions = new Set<MuxadoSession>()
  const authtokens: string[] = []
  const binds: NgrokBind[] = []
  const occupied = new Set<string>()
  const refusals: { auth?: string | undefined; bind?: string | undefined } = {}
  let heartbeats = true

  const calls: Record<number, (request: never, session: MuxadoSession) => Promise<Answer>> = {
    async [streamKind.auth](request: { ClientId?: string; Extra: { AuthToken: string } }) {
      authtokens.push(request.Extra.AuthToken)
      if (refusals.auth) return { Error: refusals.auth }
      const ClientId = request.ClientId || randomBytes(16).toString('hex')
      return { Version: '3', ClientId, Extra: { Version: 'prod', Region: 'loopback' } }
    },
    async [streamKind.bind](request: NgrokBind, session) {
      binds.push(request)
      const domain = request.Opts.Domain || request.Opts.Hostname || devDomain
      const before = request.Id === undefined ? undefined : endpoints.get(request.Id)
      const holder = [...endpoints.values()].find((each) => each.domain === domain && each.session)
      if (refusals.bind) return { Error: refusals.bind }
      if (occupied.has(domain) || (holder && holder !== before)) {
        return { Error: failure(334, `The endpoint '${domain}' is already online.`) }
      }
      const endpoint = before ?? (await openEndpoint({ domain, proto: request.Proto }))
      endpoint.session = session
      const URL = `http://127.0.0.1:${endpoint.publicSide.port}`
      const { id: Id, proto: Proto } = endpoint
      return { Id, URL, Proto, Opts: request.Opts, Extra: { Token: `token-of-${Id}` } }
    },
    async [streamKind.unbind](request: { Id: string }) {
      const endpoint = endpoints.get(request.Id)
      endpoints.delete(request.Id)
      await endpoint?.publicSide.close()
      return {}
    },
  }

  async function openEndpoint(of: { domain: string; proto: string }): Promise<Endpoint> {
    const known = publicPorts.get(of.domain)
    // The endpoint that had this name before is offline, and its port is wanted.
    const stale = [...endpoints.values()].find((each) => each.publicSide.port === known)
    if (stale) {
      endpoints.delete(stale.id)
      await stale.publicSide.close()
    }
    const id = randomBytes(16).toString('hex')
    const publicSide = await openPublicSide(
      (request, response) => answerVisitor(endpoint, { request, response }),
      known === undefined ? {} : { port: known },
    )
    const endpoint: Endpoint = { ...of, id, publicSide, session: undefined }
    endpoints.set(id, endpoint)
    publicPorts.set(of.domain, publicSide.port)
    return endpoint
  }

  function onStream(stream: MuxadoStream, session: MuxadoSession): void {
    readKind(stream, (kind) => {
      if (kind === streamKind.heartbeat) {
        stream.on('data', (beat: Buffer) => heartbeats && stream.write(beat))
        return
      }
      const call = calls[kind]
      if (call) answerCall(stream, (request) => call(request as never, session))
      else stream.destroy()
    })
  }

  function onConnection(connection: Duplex): void {
    const session = serveMuxado(connection, (stream) => onStream(stream, session))
    sessions.add(session)
    connection.once('close', () => {
      sessions.delete(session)
      for (const each of endpoints.values()) if (each.session === session) each.session = undefined
    })
  }
  const gate = await openGate((socket) => secureSocket(socket, certificate, onConnection))

  return {
    address: `127.0.0.1:${gate.port}`,
    authtokens,
    binds,
    sessions: () => sessions.size,
    refuseAuth(code, words = 'authentication failed') {
      refusals.auth = code === undefined ? undefined : failure(code, words)
    },
    refuseBind(code, words = 'failed to start tunnel') {
      refusals.bind = code === undefined ? undefined : failure(code, words)
    },
    answerHeartbeats(yes) {
      heartbeats = yes
    },
    occupy: (domain) => void occupied.add(domain),
    stopEndpoints() {
      for (const { id, session } of endpoints.values()) {
        const message = { Id: id, Message: 'stopped by the dashboard', ErrorCode: 'ERR_NGROK_3200' }
        if (session) openStream(session, streamKind.stopTunnel).write(JSON.stringify(message))
      }
    },
    goAway() {
      for (const session of sessions) session.goAway()
    },
    dropSockets: gate.dropSockets,
    silence() {
      heartbeats = false
      gate.silence()
    },
    refuse: gate.refuse,
    async restore() {
      heartbeats = true
      await gate.restore()
    },
    async close() {
      const sides = [...endpoints.values()].map(({ publicSide }) => publicSide.close())
      await Promise.all([gate.close(), ...sides])
    },
  }
}

function answerVisitor(
  endpoint: Endpoint,
  visit: { request: IncomingMessage; response: ServerResponse },
): void {
  const fail = (status: number, code: number): void => {
    const headers = { 'ngrok-error-code': `ERR_NGROK_${code}` }
    visit.response.writeHead(status, headers).end(`ERR_NGROK_${code}\n`)
  }
  const { session } = endpoint
  if (!session) {
    fail(404, 3200)
    return
  }
  const { remoteAddress, remotePort } = visit.request.socket
  const header = Buffer.from(
    JSON.stringify({
      Id: endpoint.id,
      ClientAddr: `${remoteAddress}:${remotePort}`,
      Proto: endpoint.proto,
      EdgeType: '0',
      PassthroughTLS: false,
    }),
  )
  const length = Buffer.alloc(8)
  length.writeBigInt64LE(BigInt(header.length))
  const stream = openStream(session, streamKind.proxy)
  stream.write(Buffer.concat([length, header]))
  forwardVisit(stream, { ...visit, failed: () => fail(502, 8012) })
}

function openStream(session: MuxadoSession, kind: number): MuxadoStream {
  const stream = session.open()
  const head = Buffer.alloc(4)
  head.writeUInt32BE(kind)
  stream.write(head)
  return stream
}

/** Takes the first four bytes off a stream, and leaves it flowing. */
function readKind(stream: Duplex, then: (kind: number) => void): void {
  let head = Buffer.alloc(0)
  stream.on('data', function onData(chunk: Buffer) {
    head = Buffer.concat([head, chunk])
    if (head.length < 4) return
    stream.off('data', onData)
    stream.pause()
    if (head.length > 4) stream.unshift(head.subarray(4))
    then(head.readUInt32BE(0))
    stream.resume()
  })
}

/** The agent sends one JSON value, neither its length nor an end: it is whole once it parses. */
function answerCall(stream: Duplex, call: (request: unknown) => Promise<Answer>): void {
  let text = ''
  stream.on('data', async function onData(chunk: Buffer) {
    text += chunk
    const request = parseJson(text)
    if (request === undefined) return
    stream.off('data', onData)
    stream.resume()
    stream.end(JSON.stringify(await call(request)))
    await once(stream, 'finish').catch(() => {})
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not whole yet.
    return undefined
  }
}

function failure(code: number, words: string): string {
  return `${words}\n\nERR_NGROK_${code}\n`
}
