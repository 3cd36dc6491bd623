import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import { messageOf, UserError } from '../errors.ts'
import type { ListenerName } from '../origin/known-origins.ts'
import type { HandshakeObserver } from '../tls/handshake-observer.ts'
import type { ServedCertificate } from '../tls/served-certificate.ts'
import { createServerContexts } from '../tls/server-contexts.ts'
import type { HttpEnv } from './http-env.ts'
import { portHolder } from './port-holder.ts'

/** Ports tried after a taken one. */
const portsToTry = 20

/** An open socket that serves the app and knows its own name. */
export interface Listener {
  readonly name: ListenerName
  readonly port: number
  /** The address it listens on. */
  readonly address: string
  /** Set when the asked port was taken and the next free one is used. */
  readonly movedFrom: number | undefined
  /** Serves new connections with another certificate; open ones go on undisturbed. */
  setCertificate(certificate: ServedCertificate): void
  /** Starts answering. Until then connections wait. */
  serve(app: Hono<HttpEnv>): void
  /** Stops listening and ends every connection. Safe to call twice. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly name: ListenerName
  readonly host: string
  readonly port: number
  /** The setting to change when the port is taken. */
  readonly portSetting: string
  readonly strictPort: boolean
  /** Makes it HTTPS. */
  readonly certificate?: ServedCertificate
  readonly handshakes?: HandshakeObserver
}

/**
 * Opens a listener, on the next free port when the asked one is taken. Port 0 takes any.
 * @throws UserError PORT_IN_USE or PORT_FORBIDDEN
 */
export async function openListener(options: ListenOptions): Promise<Listener> {
  const { certificate, name } = options
  let app: Hono<HttpEnv> | undefined
  const waiting: (() => void)[] = []
  const contexts = certificate && createServerContexts(certificate)
  const handle = getRequestListener(async (request, env) => {
    if (!app) await new Promise<void>((resolve) => waiting.push(resolve))
    return app?.fetch(request, { ...(env as HttpBindings), listener: name })
  })
  const server: Server | SecureServer = contexts
    ? createSecureServer(contexts.options, handle)
    : createServer(handle)
  if (options.handshakes) observe(server, options.handshakes)
  // A tool call may take minutes; limits on a request's whole duration belong to the call.
  server.requestTimeout = 0
  const { port, address } = await listen(server, options)
  let closed: Promise<void> | undefined

  return {
    name,
    port,
    address,
    movedFrom: options.port !== 0 && port !== options.port ? options.port : undefined,
    setCertificate(next) {
      if ('setSecureContext' in server) contexts?.swap(server, next)
    },
    serve(served) {
      app = served
      for (const resolve of waiting.splice(0)) resolve()
    },
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      return closed
    },
  }
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
