import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** The server behind a tunnel. */
export interface Target {
  readonly url: URL
  /** Sends an event down every open event stream. */
  sendEvent(data: string): void
  /** Resolves when the next held request has arrived, or has been given up by its visitor. */
  nextHeld(): Promise<void>
  nextAborted(): Promise<void>
  /** Answers that nobody asked for would show here, as requests that could not be read. */
  clientErrors(): number
  connections(): number
  stop(): Promise<void>
  restart(): Promise<void>
}

/** Serves `/hello`, `/slow`, `/events`, `/echo`, `/hash` and `/hold` on a free loopback port. */
export async function startTarget(): Promise<Target> {
  const happenings = new EventEmitter()
  const streams = new Set<ServerResponse>()
  let clientErrors = 0
  let connections = 0

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    '/hello': (request, response) => {
      response.setHeader('x-seen-host', request.headers.host ?? '')
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.end(`hello ${request.method}`)
    },
    '/slow': (_, response) => setTimeout(() => response.end('done'), 150),
    '/events': (request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n')
      streams.add(response)
      response.once('close', () => streams.delete(response))
    },
    '/echo': (request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).flushHeaders()
      return pipeline(request, response).catch(() => {})
    },
    '/hash': async (request, response) => {
      const hash = createHash('sha256')
      await pipeline(request, hash)
      response.end(hash.digest('hex'))
    },
    '/hold': (_, response) => {
      happenings.emit('held')
      response.once('close', () => happenings.emit('aborted'))
    },
  }

  const server = createServer((request, response) => {
    const route = routes[(request.url ?? '').replace(/\?.*/, '')]
    if (route) route(request, response)
    else response.writeHead(404).end()
  })
  server.on('connection', () => {
    connections += 1
  })
  server.on('clientError', (_, socket) => {
    clientErrors += 1
    socket.destroy()
  })
  async function listen(port: number): Promise<number> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    sendEvent(data) {
      for (const stream of streams) stream.write(`data: ${data}\n\n`)
    },
    nextHeld: async () => void (await once(happenings, 'held')),
    nextAborted: async () => void (await once(happenings, 'aborted')),
    clientErrors: () => clientErrors,
    connections: () => connections,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    restart: async () => void (await listen(port)),
  }
}
