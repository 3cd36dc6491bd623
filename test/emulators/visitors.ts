import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import { type Gate, openGate } from './gate.ts'

/** Answers one visitor of a public address. */
export type AnswerVisitor = (request: IncomingMessage, response: ServerResponse) => void

/** Opens the public side of an edge: plain HTTP on loopback. */
export async function openPublicSide(
  answer: AnswerVisitor,
  options: { port?: number } = {},
): Promise<Gate> {
  const server = createServer(answer)
  return openGate((socket) => server.emit('connection', socket), options)
}

/** What every edge adds for the server behind it. */
export function forwardedHeaders(visit: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(visit.headers)) {
    if (value !== undefined && name !== 'connection') headers[name] = value
  }
  const before = headers['x-forwarded-for']
  const address = visit.socket.remoteAddress ?? ''
  headers['x-forwarded-for'] = before === undefined ? address : `${before}, ${address}`
  headers['x-forwarded-proto'] = 'https'
  return headers
}

/** Sends a visit as HTTP/1.1 through `stream` and streams the answer back, byte for byte. */
export function forwardVisit(
  stream: Duplex,
  visit: { request: IncomingMessage; response: ServerResponse; failed: () => void },
): void {
  const { request: from, response: to } = visit
  const onward = request({
    method: from.method ?? 'GET',
    path: from.url ?? '/',
    headers: { ...forwardedHeaders(from), connection: 'close' },
    createConnection: () => stream,
  })
  onward.once('response', (answer) => {
    // The visitor has left meanwhile.
    if (to.destroyed) return answer.destroy()
    to.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders)
    to.flushHeaders()
    pipeline(answer, to, () => {})
  })
  onward.on('error', () => {
    if (to.headersSent) to.destroy()
    else visit.failed()
  })
  // The visitor has left, or has everything.
  to.once('close', () => stream.end(() => stream.destroy()))
  pipeline(from, onward, () => {})
}
