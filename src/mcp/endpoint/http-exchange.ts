import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseAccept } from 'hono/utils/accept'
import { writeAnswer } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'

/** One HTTP request to a profile, with what the HTTP side knows of it. */
export interface HttpExchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** The origin it came in through, decided by the listener, such as `https://localhost:3443`. */
  readonly origin: string
  /** Who calls; an MCP session answers nobody but the one who opened it. */
  readonly principal: string
  /** The JSON body as it came, and parsed; undefined for GET and DELETE. */
  readonly body: { readonly text: string; readonly value: unknown } | undefined
}

export function headerOf({ incoming }: HttpExchange, name: string): string | undefined {
  const value = incoming.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

const json = 'application/json'
const eventStream = 'text/event-stream'
const both = `${json}, ${eventStream}`

/** Which answers a request takes (RFC 9110 12.5.1): without `Accept` or with a wildcard, any. */
export function takenBy(exchange: HttpExchange): { json: boolean; stream: boolean } {
  const accept = headerOf(exchange, 'accept')
  // As nearly every client says it.
  if (accept === undefined || accept === '*/*' || accept === both)
    return { json: true, stream: true }
  const ranges = parseAccept(accept)
    .filter(({ q }) => q > 0)
    .map(({ type }) => type.toLowerCase())
  const takes = (type: string) =>
    [type, `${type.split('/')[0]}/*`, '*/*'].some((range) => ranges.includes(range))
  return { json: takes(json), stream: takes(eventStream) }
}

/** MCP has clients take JSON and streams; what is not to be had without them is refused so. */
export function sendNotAcceptable(exchange: HttpExchange, why: string): void {
  const message = `Not Acceptable: ${why}. Send "Accept: ${both}".`
  sendRefusal(exchange, 406, { code: rpcCodes.upstreamUnavailable, message })
}

export function sendJson(
  { outgoing }: Pick<HttpExchange, 'outgoing'>,
  text: string,
  options: { status?: number; headers?: Record<string, string> } = {},
): void {
  if (outgoing.headersSent || outgoing.destroyed) return
  const { status = 200, headers } = options
  // With its length an answer is one piece for the socket, without it four.
  const length = Buffer.byteLength(text)
  outgoing
    .writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers })
    .end(text)
}

/** A refusal in the shape that MCP clients show to people: an HTTP status with a JSON-RPC error. */
export function sendRefusal(
  exchange: Pick<HttpExchange, 'outgoing'>,
  status: number,
  refusal: {
    code: number
    message: string
    data?: unknown
    id?: string | number | null
    headers?: Record<string, string>
  },
): void {
  const { id = null, headers = {}, ...error } = refusal
  sendJson(exchange, writeAnswer(id, 'error', JSON.stringify(error)), { status, headers })
}

export function sendEmpty({ outgoing }: Pick<HttpExchange, 'outgoing'>, status: number): void {
  if (!outgoing.headersSent) outgoing.writeHead(status).end()
}

/** Answers a request that was refused, or failed, after its handling had begun. */
export function sendFault(
  exchange: Pick<HttpExchange, 'outgoing'>,
  id: string | number,
  error: unknown,
): void {
  const status = error instanceof RpcError ? 400 : 500
  sendJson(exchange, writeAnswer(id, 'error', errorText(error)), { status })
}
