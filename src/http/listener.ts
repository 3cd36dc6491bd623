import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import { messageOf, UserError } from '../errors.ts'
import { createBoundedCounts } from '../lib/bounded-counts.ts'
import { portHolder } from '../lib/port-holder.ts'
import { addressBlock } from '../origin/client-address.ts'
import type { ListenerName } from '../origin/known-origins.ts'
import {
  createServerContexts,
  type HandshakeObserver,
  type ServedCertificate,
} from '../tls/served-certificate.ts'
import type { HttpEnv } from './http-env.ts'

/** How long a client may take to send, ms. An answer takes as long as it takes. */
interface Deadlines {
  /** For the headers of a request, from the connection's begin or the end of the one before. */
  readonly headersMs: number
  /** For headers and body. */
  readonly requestMs: number
  /** How often that is looked at. */
  readonly checkMs: number
}

const defaultDeadlines: Deadlines = { headersMs: 20_000, requestMs: 60_000, checkMs: 5_000 }

/** Ports tried after a taken one. */
const portsToTry = 20

/** An open socket that serves the app and knows its own name. */
export type Listener = Awaited<ReturnType<typeof openListener>>

interface ListenOptions {
  readonly name: ListenerName
  readonly host: string
  readonly port: number
  /** The setting to change when the port is taken. */
  readonly portSetting: string
  readonly strictPort: boolean
  /** Makes it HTTPS. */
  readonly certificate?: ServedCertificate
  readonly handshakes?: HandshakeObserver
  /** Connections that one address (of IPv6, one /64) may have open; no bound unless given. */
  readonly maxPerSource?: number | undefined
  readonly deadlines?: Deadlines
}

/**
 * Opens a listener, on the next free port when the asked one is taken. Port 0 takes any.
 * @throws UserError PORT_IN_USE or PORT_FORBIDDEN
 */
export async function openListener(options: ListenOptions) {
  const { certificate, name } = options
  let app: Hono<HttpEnv> | undefined
  const waiting: (() => void)[] = []
  const contexts = certificate && createServerContexts(certificate)
  const handle = getRequestListener(async (request, env) => {
    if (!app) await new Promise<void>((resolve) => waiting.push(resolve))
    return app?.fetch(request, { ...(env as HttpBindings), listener: name })
  })
  const { headersMs, requestMs, checkMs } = options.deadlines ?? defaultDeadlines
  const limits = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
  }
  const server: Server | SecureServer = contexts
    ? createSecureServer({ ...contexts.options, ...limits, handshakeTimeout: headersMs }, handle)
    : createServer(limits, handle)
  if (options.handshakes) observe(server, options.handshakes)
  if (options.maxPerSource !== undefined) boundConnections(server, options.maxPerSource)
  const { port, address } = await listen(server, options)
  let closed: Promise<void> | undefined

  return {
    name,
    port,
    /** The address it listens on. */
    address,
    /** Set when the asked port was taken and the next free one is used. */
    movedFrom: options.port !== 0 && port !== options.port ? options.port : undefined,
    /** Serves new connections with another certificate; open ones go on undisturbed. */
    setCertificate(next: ServedCertificate) {
      if ('setSecureContext' in server) contexts?.swap(server, next)
    },
    /** Starts answering. Until then connections wait. */
    serve(served: Hono<HttpEnv>) {
      app = served
      for (const resolve of waiting.splice(0)) resolve()
    },
    /** Stops listening and ends every connection. Safe to call twice. */
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      return closed
    },
  }
}

function boundConnections(server: Server | SecureServer, max: number): void {
  const counts = createBoundedCounts(max)
  server.on('connection', (socket: Socket) => {
    const leave = counts.enter(addressBlock(socket.remoteAddress ?? ''))
    if (leave) socket.once('close', leave)
    else socket.destroy()
  })
}

function observe(server: Server | SecureServer, handshakes: HandshakeObserver): void {
  server.on('secureConnection', (socket: TLSSocket) => handshakes.accepted(socket))
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => handshakes.failed(error, socket))
}

async function listen(server: Server | SecureServer, options: ListenOptions): Promise<AddressInfo> {
  const { host, port, strictPort } = options
  const last = strictPort || port === 0 ? port : Math.min(port + portsToTry, 65_535)
  for (let candidate = port; ; candidate += 1) {
    try {
      return await listenOn(server, candidate, host)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' && candidate < last) continue
      throw await explain(error, candidate, options)
    }
  }
}

function listenOn(server: Server | SecureServer, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}

async function explain(error: unknown, port: number, { host, portSetting }: ListenOptions) {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    const holder = await portHolder(port)
    return new UserError('PORT_IN_USE', `Port ${port} is taken${holder ? ` by ${holder}` : ''}.`, {
      hint: `Stop that program, or set ${portSetting} to another port.`,
      cause: error,
    })
  }
  if (code === 'EACCES') {
    return new UserError('PORT_FORBIDDEN', `This user may not listen on port ${port}.`, {
      hint: `Set ${portSetting} to a port above 1023.`,
      cause: error,
    })
  }
  return new UserError('PORT_FORBIDDEN', `Cannot listen on ${host}:${port}: ${messageOf(error)}.`, {
    hint: 'Check HOST: it must be an address of this machine, such as 127.0.0.1.',
    cause: error,
  })
}
