import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readLines } from '../../../src/lib/read-lines.ts'
import { type Call, createPeer, type Era, type Handler, type Incoming, type Peer } from './peer.ts'

// What carries the messages of a scripted server: a pipe, streamable HTTP, or HTTP+SSE. Nothing here is
// of an SDK, so that a script decides every byte.

export interface RunningScript {
  readonly url: string
  close(): Promise<void>
}

/** Takes one message; `outlet` is where what belongs to it is written. */
async function take(
  incoming: Incoming,
  {
    era,
    handler,
    peer,
    peers,
    outlet,
  }: {
    era: Era
    handler: Handler
    peer: Peer
    peers: ReadonlySet<Peer>
    outlet: {
      tell(text: string): void
      answer(text: string | undefined): void
      cancelled: Promise<void>
    }
  },
): Promise<void> {
  const { message } = incoming
  if (message.method === undefined) {
    peer.waiting.get(message.id)?.(incoming.text)
    peer.waiting.delete(message.id)
    return
  }
  const call: Call = {
    ...incoming,
    era,
    peer,
    peers,
    tell: outlet.tell,
    cancelled: outlet.cancelled,
  }
  const body = await handler(call)
  if (message.id === undefined) return
  outlet.answer(
    body === undefined ? undefined : `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},${body}}`,
  )
}

function parse(text: string, headers: Incoming['headers']): Incoming {
  return { text, headers, message: JSON.parse(text) }
}

/** Cancels by `notifications/cancelled`, by the id of the request. */
function createCancels(peer: () => Peer) {
  const waiting = new Map<unknown, () => void>()
  return {
    of: (id: unknown) => new Promise<void>((resolve) => waiting.set(id, resolve)),
    heard({ message }: Incoming) {
      if (message.method !== 'notifications/cancelled') return
      peer().cancellations += 1
      waiting.get(message.params?.requestId)?.()
    },
  }
}

/** Serves on standard input and output; what is said in one breath is written in one chunk. */
export function serveStdio(era: Era, handler: Handler): void {
  let chunk = ''
  const write = (text: string) => {
    if (chunk === '')
      setImmediate(() => {
        process.stdout.write(chunk)
        chunk = ''
      })
    chunk += `${text}\n`
  }
  const peer = createPeer(write)
  const peers = new Set([peer])
  const cancels = createCancels(() => peer)
  process.stdin.on('end', () => process.exit(0))
  readLines(
    process.stdin,
    (line) => {
      const incoming = parse(line, {})
      cancels.heard(incoming)
      const outlet = {
        tell: write,
        answer: (text: string | undefined) => text !== undefined && write(text),
        cancelled: cancels.of(incoming.message.id),
      }
      void take(incoming, { era, handler, peer, peers, outlet })
    },
    Infinity,
  )
}

/** Serves streamable HTTP: sessions in 2025, none in 2026. JSON where there is nothing but the answer. */
export function startHttp(era: Era, handler: Handler): Promise<RunningScript> {
  const sessions = new Map<string, { peer: Peer; cancels: ReturnType<typeof createCancels> }>()
  const peers = new Set<Peer>()
  const streams = new Map<string, ServerResponse>()

  function open(id: string) {
    const peer = createPeer((text) => void streams.get(id)?.write(frame(text)))
    const session = { peer, cancels: createCancels(() => peer) }
    peers.add(peer)
    sessions.set(id, session)
    return session
  }
  if (era === 'modern') open('')

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = era === 'modern' ? '' : request.headers['mcp-session-id']
    if (request.method === 'GET' && era === 'legacy') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      streams.set(String(id), response)
      return
    }
    if (request.method !== 'POST')
      return void response.writeHead(era === 'legacy' ? 200 : 405).end()
    const incoming = parse(await bodyOf(request), request.headers)
    const isNew = id === undefined
    const key = isNew ? randomUUID() : String(id)
    const session = isNew ? open(key) : sessions.get(key)
    if (!session) return void response.writeHead(404).end()
    const headers = isNew ? { 'mcp-session-id': key } : {}
    session.cancels.heard(incoming)
    if (incoming.message.id === undefined || incoming.message.method === undefined) {
      response.writeHead(202).end()
    }
    let isStream = false
    let chunk = ''
    const tell = (text: string) => {
      if (!isStream) response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
      isStream = true
      if (chunk === '') setImmediate(flush)
      chunk += frame(text)
    }
    const flush = () => {
      response.write(chunk)
      chunk = ''
    }
    const left = new Promise<void>((resolve) => {
      response.once('close', () => {
        if (!response.writableFinished && era === 'modern') session.peer.cancellations += 1
        if (!response.writableFinished) resolve()
      })
    })
    const cancelled = Promise.race([session.cancels.of(incoming.message.id), left])
    await take(incoming, {
      era,
      handler,
      peer: session.peer,
      peers,
      outlet: {
        tell,
        cancelled,
        answer(text) {
          if (text === undefined) return void response.end()
          if (!isStream) {
            const status = era === 'modern' && text.includes('"code":-32601') ? 404 : 200
            response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(text)
            return
          }
          tell(text)
          setImmediate(() => response.end())
        },
      },
    })
  }
  return listen('/mcp', handle)
}

/** Serves HTTP+SSE of 2024-11-05. */
export function startSse(handler: Handler): Promise<RunningScript> {
  const sessions = new Map<string, { peer: Peer; cancels: ReturnType<typeof createCancels> }>()
  const peers = new Set<Peer>()
  return listen('/sse', async (request, response) => {
    if (request.method === 'GET') {
      const id = randomUUID()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: endpoint\ndata: /messages?sessionId=${id}\n\n`)
      const peer = createPeer((text) => void response.write(frame(text)))
      peers.add(peer)
      sessions.set(id, { peer, cancels: createCancels(() => peer) })
      return
    }
    const id = new URL(request.url ?? '', 'http://localhost').searchParams.get('sessionId')
    const session = sessions.get(id ?? '')
    if (!session) return void response.writeHead(404).end()
    const incoming = parse(await bodyOf(request), request.headers)
    response.writeHead(202).end('Accepted')
    session.cancels.heard(incoming)
    const { peer } = session
    const outlet = {
      tell: peer.send,
      answer: (text: string | undefined) => text !== undefined && peer.send(text),
      cancelled: session.cancels.of(incoming.message.id),
    }
    await take(incoming, { era: 'legacy', handler, peer, peers, outlet })
  })
}

function frame(text: string): string {
  return `event: message\n${text
    .split('\n')
    .map((line) => `data: ${line}\n`)
    .join('')}\n`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

async function listen(
  path: string,
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<RunningScript> {
  const server: Server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
