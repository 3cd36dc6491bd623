import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { MiddlewareHandler } from 'hono'
import { parseAccept } from 'hono/utils/accept'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { HttpEnv } from '../http-env.ts'

/** Refuses a body that is compressed (RFC 9110 15.5.16): its limit counts bytes as they are sent. */
export function identityOnly(): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const coding = c.req.header('content-encoding')?.trim().toLowerCase() ?? 'identity'
    if (coding === 'identity' || coding === '') return next()
    return rpcErrorResponse(415, 'Unsupported Media Type: send the body without Content-Encoding', {
      headers: { 'accept-encoding': 'identity', connection: 'close' },
    })
  }
}

/** Answers other methods with 405; HEAD is one of its own here, as a GET may open a stream. */
export function onlyMethods(...allowed: readonly string[]): MiddlewareHandler<HttpEnv> {
  return async (c, next) =>
    allowed.includes(c.req.method)
      ? next()
      : rpcErrorResponse(405, `Method Not Allowed: ${c.req.method}`, {
          headers: { allow: allowed.join(', ') },
        })
}

const json = 'application/json'
const eventStream = 'text/event-stream'
const both = `${json}, ${eventStream}`

/**
 * Gives a POST an answer of a kind it takes. MCP has clients accept JSON and streams; whoever takes
 * JSON alone gets the response of a stream as JSON, without what was told before it, and 406 where
 * that cannot be. Goes after the messages are read.
 */
export function acceptableAnswer(): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    if (c.req.method !== 'POST') return next()
    const takes = takenTypes(c.req.header('accept'))
    if (!takes(json)) return notAcceptable(`"Accept" must allow ${both}`)
    if (takes(eventStream)) return next()
    if (c.get('messages').some(({ asked }) => asked.kind === 'resources')) {
      return notAcceptable('what was asked for is a stream, which "Accept" does not allow')
    }
    await next()
    const isStream = c.res.headers.get('content-type')?.startsWith(eventStream)
    if (isStream && c.res.body)
      c.res = await responseOf(c.res, c.res.body, Array.isArray(c.get('body')))
  }
}

/** The request as an MCP endpoint expects it: it looks for both media types by name. */
export function acceptingBoth(request: Request): Request {
  const accept = request.headers.get('accept') ?? ''
  const isPlain =
    request.method !== 'POST' || (accept.includes(json) && accept.includes(eventStream))
  if (isPlain) return request
  const headers = new Headers(request.headers)
  headers.set('accept', both)
  // The body was read already, and is handed over beside it.
  return new Request(request.url, { method: request.method, headers, signal: request.signal })
}

function takenTypes(accept: string | undefined): (type: string) => boolean {
  const ranges = parseAccept(accept ?? '*/*')
    .filter(({ q }) => q > 0)
    .map(({ type }) => type.toLowerCase())
  return (type) => [type, `${type.split('/')[0]}/*`, '*/*'].some((range) => ranges.includes(range))
}

/** The responses in a stream, once it has ended, as they were written. */
async function responseOf(
  answer: Response,
  stream: ReadableStream<Uint8Array>,
  isBatch: boolean,
): Promise<Response> {
  const responses: string[] = []
  const events = stream
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .pipeThrough(new EventSourceParserStream())
  for await (const { data } of events) {
    if (data === '') continue
    const message = JSON.parse(data) as { method?: string; id?: unknown }
    if (message.method === undefined) responses.push(data)
    // Leaving the loop ends the stream.
    else if (message.id !== undefined) {
      return notAcceptable('the server asked something back, which takes a stream')
    }
  }
  if (responses.length === 0) return rpcErrorResponse(502, 'The answer ended early')
  const headers = new Headers(answer.headers)
  headers.set('content-type', json)
  return new Response(isBatch ? `[${responses.join(',')}]` : responses[0], { headers })
}

function notAcceptable(why: string): Response {
  return rpcErrorResponse(406, `Not Acceptable: ${why}. Send "Accept: ${both}".`)
}
