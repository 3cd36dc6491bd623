import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Gate, openGate } from './gate.ts'
import { forwardVisit, openPublicSide } from './visitors.ts'

const validName = /^[a-z0-9][a-z0-9-]{2,61}[a-z0-9]$/
/** How long the server remembers a name whose client has no socket left, ms. */
const graceMs = 1_000
/** How long a visitor waits for a free socket, ms. */
const socketWaitMs = 5_000

export interface LocaltunnelServer {
  /** What clients are given as `host`. */
  readonly host: URL
  /** Names that are registered now. */
  names(): string[]
  /** How often a client has registered. */
  registrations(): number
  /** Answers the next registrations in this way. */
  answerNext(...answers: { status: number; message?: string }[]): void
  /** What happens to a name in use: the public service hands out another, some servers say 409. */
  onTakenName(answer: 'another' | 'conflict'): void
  /** Resets the sockets of every tunnel, whose ports stay. */
  dropSockets(): void
  /** Forgets every tunnel, as a restart does. Public ports come back with their names. */
  restart(): Promise<void>
  /** Off the network until `restore`. */
  refuse(): Promise<void>
  /** Accepts and never answers until `restore`. */
  silence(): void
  restore(): Promise<void>
  close(): Promise<void>
}

/**
 * A loopback server for the client of the `localtunnel` package. A client registers with
 * `GET /?new` or `GET /name`, then holds plain TCP sockets to the port it is told; each request of
 * a visitor is written into one of them. Every name has a public port of its own, as there is no
 * wildcard DNS here.
 */
export async function startLocaltunnelServer(
  options: { maxSockets?: number } = {},
): Promise<LocaltunnelServer> {
  const maxSockets = options.maxSockets ?? 10
  const tunnels = new Map<string, RegisteredTunnel>()
  const publicPorts = new Map<string, number>()
  const answers: { status: number; message?: string }[] = []
  let takenName: 'another' | 'conflict' = 'another'
  let registrations = 0

  async function register(wanted: string | undefined, response: ServerResponse): Promise<void> {
    const injected = answers.shift()
    if (injected) return sendJson(response, injected.status, { message: injected.message })
    if (wanted !== undefined && !validName.test(wanted)) {
      return sendJson(response, 403, { message: 'Invalid subdomain.' })
    }
    const taken = wanted !== undefined && tunnels.has(wanted)
    if (taken && takenName === 'conflict') {
      return sendJson(response, 409, { message: `${wanted} is taken` })
    }
    const id = wanted === undefined || taken ? `any-${randomBytes(4).toString('hex')}` : wanted
    const port = publicPorts.get(id)
    const tunnel = await openTunnel(maxSockets, port === undefined ? {} : { port })
    tunnels.set(id, tunnel)
    tunnel.abandoned.then(() => {
      if (tunnels.get(id) === tunnel) tunnels.delete(id)
      return tunnel.close()
    })
    publicPorts.set(id, tunnel.publicSide.port)
    registrations += 1
    const url = `http://127.0.0.1:${tunnel.publicSide.port}`
    const answer = { id, port: tunnel.data.port, ip: '127.0.0.1', max_conn_count: maxSockets, url }
    sendJson(response, 200, answer)
  }

  function onControl(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, search } = new URL(request.url ?? '/', 'http://control')
    const name = pathname.slice(1)
    if (name === '' && search !== '?new') sendJson(response, 404, { message: 'not here' })
    else void register(name === '' ? undefined : name, response)
  }

  const controlServer = createServer(onControl)
  const control = await openGate((socket) => controlServer.emit('connection', socket))

  async function restart(): Promise<void> {
    const running = [...tunnels.values()]
    tunnels.clear()
    await Promise.all(running.map((tunnel) => tunnel.close()))
  }
  async function refuse(): Promise<void> {
    await Promise.all([control.refuse(), restart()])
  }
  return {
    host: new URL(`http://127.0.0.1:${control.port}`),
    names: () => [...tunnels.keys()],
    registrations: () => registrations,
    answerNext: (...next) => void answers.push(...next),
    onTakenName: (answer) => {
      takenName = answer
    },
    dropSockets() {
      for (const { data } of tunnels.values()) data.dropSockets()
    },
    silence() {
      control.silence()
      for (const { data, publicSide } of tunnels.values()) {
        data.silence()
        publicSide.silence()
      }
    },
    restart,
    refuse,
    async restore() {
      const sides = [...tunnels.values()].flatMap(({ data, publicSide }) => [data, publicSide])
      await Promise.all([control, ...sides].map((gate) => gate.restore()))
    },
    close: refuse,
  }
}

interface RegisteredTunnel {
  readonly data: Gate
  readonly publicSide: Gate
  /** Resolves when its client has had no socket for too long. */
  readonly abandoned: Promise<void>
  close(): Promise<void>
}

async function openTunnel(
  maxSockets: number,
  publicOptions: { port?: number },
): Promise<RegisteredTunnel> {
  const pool = createSocketPool()
  const data = await openGate((socket) => {
    if (pool.size() >= maxSockets) socket.destroy()
    else pool.add(socket)
  })
  const publicSide = await openPublicSide(async (request, response) => {
    const fail = (status: number) => response.writeHead(status).end()
    const socket = await pool.take()
    if (socket) forwardVisit(socket, { request, response, failed: () => fail(502) })
    else fail(504)
  }, publicOptions)
  return {
    data,
    publicSide,
    abandoned: pool.abandoned,
    close: async () => {
      await Promise.all([data.close(), publicSide.close()])
    },
  }
}

/** The sockets a client holds open, and the visitors that wait for one. */
function createSocketPool() {
  const open = new Set<Socket>()
  const idle = new Set<Socket>()
  const waiting: ((socket: Socket | undefined) => void)[] = []
  const abandoned = Promise.withResolvers<void>()
  let grace: NodeJS.Timeout | undefined
  return {
    size: () => open.size,
    abandoned: abandoned.promise,
    add(socket: Socket): void {
      clearTimeout(grace)
      open.add(socket)
      socket.once('close', () => {
        open.delete(socket)
        idle.delete(socket)
        if (open.size === 0) grace = setTimeout(abandoned.resolve, graceMs)
      })
      const next = waiting.shift()
      if (next) next(socket)
      else idle.add(socket)
    },
    take(): Promise<Socket | undefined> {
      const [first] = idle
      if (first) {
        idle.delete(first)
        return Promise.resolve(first)
      }
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(served), 1)
          resolve(undefined)
        }, socketWaitMs)
        function served(socket: Socket | undefined): void {
          clearTimeout(timer)
          resolve(socket)
        }
        waiting.push(served)
      })
    },
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
