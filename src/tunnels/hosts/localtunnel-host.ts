import { setDefaultResultOrder } from 'node:dns'
import { type EventEmitter, once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type HostEvent, serveClientHost } from './host-channel.ts'

export interface LocaltunnelSettings {
  readonly host: string
  readonly subdomain: string | undefined
  readonly target: { readonly host: string; readonly port: number }
  /** Longest time one try to register may take, ms. */
  readonly registerMs: number
  /** How long most of the sockets may be gone before the tunnel counts as lost, ms. */
  readonly thinMs: number
}

interface Registration extends EventEmitter {
  readonly url: string
  readonly clientId: string
  readonly tunnelCluster: Cluster
}

interface Cluster extends EventEmitter {
  readonly opts: { readonly max_conn: number }
}

const require = createRequire(import.meta.url)

serveClientHost<LocaltunnelSettings>(async (settings, tell) => {
  // The client connects to `localhost`, which must not be somebody else's port on ::1.
  setDefaultResultOrder('ipv4first')
  const port = await openLocalBridge(settings.target)
  const host = await openRegistrar(settings, tell)
  const { subdomain } = settings
  const tunnel = openTunnel({ host, subdomain, port }, (error) => {
    // Thrown, it would count as one more failure to register, and be tried again.
    if (error) return tell({ type: 'failed', message: error.message })
    watchSockets(tunnel.tunnelCluster, {
      thinMs: settings.thinMs,
      onEnough: () => tell({ type: 'url', url: tunnel.url, name: tunnel.clientId }),
      onThin: (count) => tell({ type: 'lost', detail: `only ${count} connections are left` }),
    })
  })
  // Once for each socket: the data port is gone for good, and the client will not register again.
  tunnel.on('error', (error: Error) => tell({ type: 'lost', detail: error.message }))
})

/** Only the form with a callback hands the tunnel out, and its `error` events, from the start. */
function openTunnel(
  options: { host: string; subdomain: string | undefined; port: number },
  done: (error: Error | null) => void,
): Registration {
  const localtunnel = require('localtunnel') as (
    options: object,
    done: (error: Error | null) => void,
  ) => Registration
  return localtunnel(options, done)
}

/**
 * Stands between the client and the server it registers at. The client swallows every failure and tries
 * again each second, for ever: a refusal ends it here, while an error of the server (5xx) may pass.
 * @returns an origin of this machine
 */
async function openRegistrar(
  { host, registerMs }: LocaltunnelSettings,
  tell: (event: HostEvent) => void,
): Promise<string> {
  const server = createHttpServer(async (request, response) => {
    try {
      const signal = AbortSignal.timeout(registerMs)
      const answer = await fetch(new URL(request.url ?? '', host), { signal })
      if (answer.status >= 500) return response.writeHead(answer.status).end()
      if (!answer.ok) return tellRefusal(`the server answered HTTP ${answer.status}`)
      // A server of another kind answers a page.
      const registration = (await answer.json().catch(() => ({}))) as { port?: number; ip?: string }
      if (!registration.port) return tellRefusal('the server answered no registration')
      // Without one the client would connect to whom it has asked, which is us.
      const ip = registration.ip || new URL(host).hostname.replace(/^\[(.*)\]$/, '$1')
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...registration, ip }))
    } catch (error) {
      const { cause, name } = error as Error & { cause?: Error & { code?: string } }
      if (name === 'TimeoutError') return tellRefusal('the server did not answer', 'ETIMEDOUT')
      tellRefusal(cause?.message ?? String(error), cause?.code)
    }
  })
  // Nothing is answered: the client would ask again.
  const tellRefusal = (message: string, code?: string) => tell({ type: 'failed', message, code })
  return `http://127.0.0.1:${await portOf(server)}`
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** After a sleep or a change of network the sockets vanish without any event but their own. */
function watchSockets(
  cluster: Cluster,
  on: { thinMs: number; onEnough: () => void; onThin: (count: string) => void },
): void {
  const wanted = cluster.opts.max_conn
  let open = 0
  let timer: NodeJS.Timeout | undefined
  let announced = false
  function count(change: number): void {
    open += change
    if (open * 2 >= wanted) {
      clearTimeout(timer)
      timer = undefined
      if (!announced) on.onEnough()
      announced = true
    } else timer ??= setTimeout(() => on.onThin(`${open} of ${wanted}`), on.thinMs)
  }
  cluster.on('open', () => count(1))
  cluster.on('dead', () => count(-1))
  count(0)
}

const unreachable = [
  'HTTP/1.1 502 Bad Gateway',
  'Content-Type: text/plain',
  'Connection: close',
  '',
  'The server behind this tunnel is not running.\n',
].join('\r\n')

/**
 * Listens on a free loopback port and passes each connection on to `target`, but only from its
 * first byte on. The localtunnel client keeps ten connections open for requests to come; a server
 * answers each with 408 after a minute or so, which the edge takes for the answer to its next
 * request. It also gives up a slot for ever when its local connection is reset, and lets visitors
 * hang while there is no server: a bridge ends connections in order, and answers 502.
 * @returns the port
 */
async function openLocalBridge(target: { host: string; port: number }): Promise<number> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (client) => {
    client.setNoDelay(true)
    client.on('error', () => client.destroy())
    client.once('end', onIdleEnd)
    client.once('data', (first: Buffer) => {
      client.off('end', onIdleEnd)
      client.pause()
      join(client, { target, first })
    })
    function onIdleEnd(): void {
      client.end()
    }
  })
  return portOf(server)
}

function join(
  client: Socket,
  { target, first }: { target: { host: string; port: number }; first: Buffer },
): void {
  // A half-open client is a visitor who left: the server must hear of it by the end of its socket.
  const server = connect(target)
  server.setNoDelay(true)
  let answered = false
  server.once('connect', () => {
    server.write(first)
    client.pipe(server)
    server.pipe(client)
  })
  server.once('data', () => {
    answered = true
  })
  server.on('error', () => {
    if (!answered) client.end(unreachable)
  })
  server.once('close', () => {
    client.unpipe(server)
    client.end()
    // Reading on keeps the kernel from a reset, which would cost the client a slot.
    client.resume()
  })
  client.once('close', () => server.destroy())
}
