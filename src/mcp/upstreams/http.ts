import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, type Dispatcher } from 'undici'
import type { HttpServerConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import { createEventReader } from '../wire/event-stream.ts'
import { maxMessageLength, parseMessage } from '../wire/message.ts'
import { type Era, modernRevision } from '../wire/protocol.ts'
import { describeAnswer, saysNoSuchSession } from './failed-answer.ts'
import { encodeHeaderValue } from './param-headers.ts'
import {
  type OutgoingRequest,
  type Transport,
  type TransportListener,
  UpstreamFailure,
} from './transport.ts'
import type { UpstreamAuth } from './upstream-auth.ts'

/** Longest time to establish a connection, ms. Requests themselves are timed by their callers. */
const connectMs = 10_000
/** How long to wait before a stream is opened again, where the server does not say, ms. */
const reopenMs = { first: 1_000, most: 30_000 }
/** Between no pause at all and one that no timer can hold, ms. */
const askedPauseMs = { least: 10, most: 60 * 60_000 }
/** A server in trouble may answer with whole pages, or never come to their end. */
const refusalLimits = { maxBytes: 1024 * 1024, maxMs: 1_000 }
/** How often one request is repeated for another token, or along redirects of one origin. */
const maxRepeats = 3

export interface HttpTransportOptions {
  readonly config: HttpServerConfig
  readonly connections: UpstreamConnections
  readonly auth: UpstreamAuth
  readonly logger: Logger
}

/** One exchange over HTTP, as `openHttpExchange` needs it. */
interface Exchange {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  onHeaders?(headers: IncomingHttpHeaders): void
  onEvent?(data: string): void
  /** Called once, last: with the whole answer, or when its event stream has ended. */
  onEnd(answer: HttpAnswer): void
  onFailure(failure: UpstreamFailure): void
}

interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Empty where it was an event stream. */
  readonly body: string
  /** Set where it was an event stream: where to go on from, and after how long, ms. */
  readonly stream: { lastEventId: string | undefined; retryMs: number | undefined } | undefined
}

/** What streamable HTTP and HTTP+SSE share: connections, tokens, redirects. */
export function createHttpSender({ config, connections, auth }: HttpTransportOptions) {
  const dispatcher = new Agent({
    connect: connections.connector(config.name, { timeoutMs: connectMs }),
    // A tool may think for minutes before its first byte, and a stream may be silent for hours.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const home = new URL(config.url)
  const asksForLogin = config.auth !== false

  /** Sends one request; the returned function ends it at once. Redirects stay within the origin. */
  function send(url: URL, exchange: Exchange): () => void {
    let abort: (() => void) | undefined
    let isOver = false
    const listener: Exchange = {
      ...exchange,
      onEvent: (data) => {
        if (!isOver) exchange.onEvent?.(data)
      },
      onEnd: (answer) => {
        if (!isOver) exchange.onEnd(answer)
      },
      onFailure: (failure) => {
        if (!isOver) exchange.onFailure(failure)
      },
    }
    const attempt = (to: URL, repeats: number, accessToken: string | undefined): void => {
      if (isOver) return
      abort = dispatchOnce(dispatcher, to, withToken(listener, accessToken), {
        explain: (error) => connections.explain(config.name, error, to),
        onEnd: (answer) => {
          const next = redirectTarget(to, answer)
          if (next instanceof UpstreamFailure) listener.onFailure(next)
          else if (next && repeats < maxRepeats) attempt(next, repeats + 1, accessToken)
          else if (asksForLogin && isRefusal(answer) && repeats < maxRepeats) {
            renew(to, repeats, { answer, accessToken })
          } else listener.onEnd(answer)
        },
      })
    }
    const renew = (
      to: URL,
      repeats: number,
      refusal: { answer: HttpAnswer; accessToken: string | undefined },
    ): void => {
      const { status, headers } = refusal.answer
      const wwwAuthenticate = [headers['www-authenticate'] ?? []].flat().join(', ') || undefined
      auth
        .refused(config, { status, wwwAuthenticate, accessToken: refusal.accessToken })
        .then(async (verdict) => {
          if (verdict === 'retry') attempt(to, repeats + 1, await auth.accessToken(config))
          else listener.onEnd(refusal.answer)
        })
        .catch((error: unknown) => listener.onFailure(refused(error)))
    }
    // Nobody waits for a token where none can be.
    if (!asksForLogin || url.origin !== home.origin) attempt(url, 0, undefined)
    else {
      auth.accessToken(config).then(
        (token) => attempt(url, 0, token),
        (error: unknown) => listener.onFailure(refused(error)),
      )
    }
    return () => {
      isOver = true
      abort?.()
    }
  }

  function withToken(exchange: Exchange, accessToken: string | undefined): Exchange {
    const headers = { ...exchange.headers, ...config.headers }
    if (accessToken !== undefined) headers.authorization = `Bearer ${accessToken}`
    return { ...exchange, headers }
  }

  return { send, close: () => dispatcher.destroy() }
}

export type HttpSender = ReturnType<typeof createHttpSender>

function refused(error: unknown): UpstreamFailure {
  const message = error instanceof Error ? error.message : String(error)
  return new UpstreamFailure('refused', message, { cause: error })
}

function isRefusal({ status, headers }: HttpAnswer): boolean {
  return (
    status === 401 ||
    (status === 403 && String(headers['www-authenticate'] ?? '').includes('insufficient_scope'))
  )
}

/** RFC 9110 15.4: only 307 and 308 keep a POST what it is, and only within an origin we follow. */
function redirectTarget(
  from: URL,
  { status, headers }: HttpAnswer,
): URL | UpstreamFailure | undefined {
  const { location } = headers
  if (status < 301 || status > 308 || location === undefined) return undefined
  const target = URL.parse(location, from.href)
  if ((status === 307 || status === 308) && target?.origin === from.origin) return target
  const where = JSON.stringify(target?.href ?? location)
  return new UpstreamFailure(
    'refused',
    `it redirects to ${where} (HTTP ${status}); set "url" to the address that answers`,
  )
}

function dispatchOnce(
  dispatcher: Dispatcher,
  url: URL,
  exchange: Exchange,
  hooks: { explain(error: unknown): unknown; onEnd(answer: HttpAnswer): void },
): () => void {
  const { method, headers, body } = exchange
  let controller: Dispatcher.DispatchController | undefined
  let isAborted = false
  let status = 0
  let answerHeaders: IncomingHttpHeaders = {}
  let readEvents: ((chunk: Buffer) => void) | undefined
  let stream: { lastEventId: string | undefined; retryMs: number | undefined } | undefined
  const chunks: Buffer[] = []
  let size = 0
  let ended = false
  let patience: NodeJS.Timeout | undefined

  function end(): void {
    if (ended) return
    ended = true
    clearTimeout(patience)
    const text = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    hooks.onEnd({ status, headers: answerHeaders, body: text.toString('utf8'), stream })
  }

  function cutShort(opened: Dispatcher.DispatchController): void {
    end()
    opened.abort(new Error('enough was read'))
  }

  function refuseSize(opened: Dispatcher.DispatchController): void {
    if (ended) return
    ended = true
    chunks.length = 0
    const most = `${maxMessageLength / 1024 / 1024} MiB`
    exchange.onFailure(new UpstreamFailure('refused', `it sent a message of more than ${most}`))
    opened.abort(new Error('too large'))
  }

  dispatcher.dispatch(
    { origin: url.origin, path: url.pathname + url.search, method, headers, body: body ?? null },
    {
      onRequestStart(opened) {
        controller = opened
        if (isAborted) opened.abort(new Error('cancelled'))
      },
      onResponseStart(opened, statusCode, received) {
        status = statusCode
        answerHeaders = received
        exchange.onHeaders?.(received)
        if (status >= 300) patience = setTimeout(cutShort, refusalLimits.maxMs, opened)
        if (status !== 200 || mediaType(received) !== 'text/event-stream') return
        const state = { lastEventId: undefined, retryMs: undefined } as NonNullable<typeof stream>
        stream = state
        readEvents = createEventReader({
          onEvent({ id, event, data }) {
            if (id !== undefined) state.lastEventId = id
            if (data !== '') exchange.onEvent?.(event === 'endpoint' ? `endpoint ${data}` : data)
          },
          onRetry: (ms) => {
            state.retryMs = ms
          },
          onTooLarge: () => refuseSize(opened),
        })
      },
      onResponseData(opened, chunk) {
        if (readEvents) return readEvents(chunk)
        size += chunk.byteLength
        chunks.push(chunk)
        if (status >= 300 && size > refusalLimits.maxBytes) cutShort(opened)
        else if (size > maxMessageLength) refuseSize(opened)
      },
      onResponseEnd: end,
      onResponseError(_controller, error) {
        if (ended || isAborted) return
        ended = true
        clearTimeout(patience)
        exchange.onFailure(describeError(hooks.explain(error), status !== 0))
      },
    },
  )
  return () => {
    isAborted = true
    controller?.abort(new Error('cancelled'))
  }
}

function pauseAfter(retryMs: number | undefined): number {
  const { least, most } = askedPauseMs
  return Math.min(Math.max(retryMs ?? reopenMs.first, least), most)
}

function mediaType(headers: IncomingHttpHeaders): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase()
}

/** Failures before the request was written can do nothing twice. */
const unseenCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

function describeError(error: unknown, hasBegun: boolean): UpstreamFailure {
  const { code } = error as { code?: unknown }
  const isUnseen = !hasBegun && (unseenCodes.has(code) || error instanceof UserError)
  const message = error instanceof Error ? error.message : String(error)
  return new UpstreamFailure(isUnseen ? 'unseen' : 'lost', message, { cause: error })
}

/**
 * Creates a transport of streamable HTTP (MCP 2025-03-26 to 2026-07-28): each message is a POST, answered
 * by JSON or by a stream; a 2025 session has one more stream, of what belongs to no request.
 */
export function createHttpTransport(
  options: HttpTransportOptions,
  listener: TransportListener,
): Transport {
  const { config, logger } = options
  const sender = createHttpSender(options)
  const url = new URL(config.url)
  const closing = new AbortController()
  let sessionId: string | undefined
  let agreed: { era: Era; protocolVersion: string } | undefined
  let isOver = false
  let endListening: (() => void) | undefined
  /** An answer that was fine shows that a later "no such session" is about ours. */
  let wasFine = false

  function headersFor(request?: Pick<OutgoingRequest, 'method' | 'name' | 'headers'>) {
    const headers: Record<string, string> = {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    }
    if (sessionId !== undefined) headers['mcp-session-id'] = sessionId
    // The question for the era is asked in the words of the newest.
    const era = agreed?.era ?? (request?.method === 'server/discover' ? 'modern' : 'legacy')
    const version = agreed?.protocolVersion ?? (era === 'modern' ? modernRevision : undefined)
    if (version !== undefined) headers['mcp-protocol-version'] = version
    if (era === 'modern' && request) {
      headers['mcp-method'] = request.method
      if (request.name !== undefined) headers['mcp-name'] = encodeHeaderValue(request.name)
      Object.assign(headers, request.headers)
    }
    return headers
  }

  function end(reason: string) {
    if (isOver) return
    isOver = true
    closing.abort()
    endListening?.()
    listener.onClosed(reason)
  }

  /** The server forgot us: what it just refused it has not done, what else is open may have begun. */
  function sessionLost(refused: (failure: UpstreamFailure) => void) {
    const reason = 'it does not know our MCP session any more'
    refused(new UpstreamFailure('unseen', reason))
    end(reason)
  }

  /** A refusal of a request, unless it is a JSON-RPC error, which is an answer. */
  function takeAnswer(id: number, { status, headers, body }: HttpAnswer) {
    const message = parseMessage(body)
    // One that names no request of ours is the refusal's own.
    const isAnswer =
      (message?.kind === 'result' || message?.kind === 'error') &&
      (status < 300 || Number(message.id) === id)
    if (sessionId !== undefined && saysNoSuchSession({ status, body, wasFine })) {
      return sessionLost((failure) => listener.onFailure(id, failure))
    }
    if (isAnswer) {
      wasFine ||= message.kind === 'result'
      return listener.onText(body, { id, status })
    }
    if (status >= 200 && status < 300) {
      // Its owner hears of that; during the handshake, of a server that does not start.
      if (body !== '' && !message && agreed) {
        listener.onText(body, { id, status })
        return
      }
      const reason =
        body === '' ? `it answered a request with an empty HTTP ${status}` : malformed(body)
      return listener.onFailure(id, new UpstreamFailure('lost', reason))
    }
    listener.onFailure(
      id,
      new UpstreamFailure(
        'refused',
        describeAnswer({ status, body, retryAfter: headers['retry-after'] }),
      ),
    )
  }

  function follow(id: number, exchange: Pick<Exchange, 'method' | 'headers' | 'body'>): () => void {
    let abort: () => void = () => {}
    let isCancelled = false
    const open = (next: Pick<Exchange, 'method' | 'headers' | 'body'>) => {
      abort = sender.send(url, {
        ...next,
        onHeaders(headers) {
          const opened = headers['mcp-session-id']
          // Named in the answer to `initialize`, and the same from then on.
          if (typeof opened === 'string' && agreed === undefined) sessionId = opened
        },
        onEvent: (data) => {
          wasFine = true
          listener.onText(data, { id, status: 200 })
        },
        onEnd(answer) {
          if (!answer.stream) return takeAnswer(id, answer)
          const { lastEventId, retryMs } = answer.stream
          if (lastEventId === undefined || agreed?.era === 'modern') {
            const failure = new UpstreamFailure('lost', 'its answer ended early')
            return listener.onFailure(id, failure)
          }
          // The server asks to be polled (MCP 2025-11-25, Resumability): it has not forgotten the call.
          if (retryMs !== undefined) listener.onPause?.(id, retryMs)
          delay(pauseAfter(retryMs), undefined, { signal: closing.signal }).then(
            () => isCancelled || open(resuming(lastEventId)),
            () => {
              // The connection was closed, and its calls with it.
            },
          )
        },
        onFailure: (failure) => listener.onFailure(id, failure),
      })
    }
    open(exchange)
    return () => {
      isCancelled = true
      abort()
    }
  }

  function resuming(lastEventId: string | undefined): Pick<Exchange, 'method' | 'headers'> {
    const { 'content-type': _none, ...headers } = headersFor()
    headers.accept = 'text/event-stream'
    if (lastEventId !== undefined) headers['last-event-id'] = lastEventId
    return { method: 'GET', headers }
  }

  /** Keeps the stream of a 2025 session open that belongs to no request. */
  function listen(lastEventId?: string, failures = 0): void {
    const again = (from: string | undefined, ms: number, count: number) =>
      delay(ms, undefined, { signal: closing.signal, ref: false }).then(
        () => listen(from, count),
        () => {
          // Closed meanwhile.
        },
      )
    endListening = sender.send(url, {
      ...resuming(lastEventId),
      onEvent: (data) => listener.onText(data),
      onEnd({ status, stream, body }) {
        if (stream) {
          return void again(stream.lastEventId ?? lastEventId, pauseAfter(stream.retryMs), 0)
        }
        if (saysNoSuchSession({ status, body, wasFine }) && status === 404) {
          return sessionLost(() => {})
        }
        // 405: it has no such stream (MCP 2025-11-25, Listening for Messages).
        logger.debug('has no stream of its own', { status })
      },
      onFailure() {
        const ms = Math.min(reopenMs.first * 2 ** failures, reopenMs.most)
        void again(lastEventId, ms, failures + 1)
      },
    })
  }

  return {
    async open() {},
    send: (request) =>
      follow(request.id, { method: 'POST', headers: headersFor(request), body: request.text }),
    post: (text, { method } = { method: '' }) =>
      new Promise((resolve, reject) => {
        sender.send(url, {
          method: 'POST',
          headers: headersFor(method ? { method, name: undefined, headers: undefined } : undefined),
          body: text,
          onEnd({ status, headers, body }) {
            if (status < 300) return resolve()
            if (sessionId !== undefined && saysNoSuchSession({ status, body, wasFine })) {
              return sessionLost(reject)
            }
            reject(
              new UpstreamFailure(
                'refused',
                describeAnswer({ status, body, retryAfter: headers['retry-after'] }),
              ),
            )
          },
          onFailure: reject,
        })
      }),
    opened(next) {
      agreed = next
      if (next.era === 'legacy') listen()
    },
    async close() {
      if (!isOver && sessionId !== undefined) await endSession()
      end('the connection was closed')
      await sender.close()
    },
  }

  /** MCP 2025-11-25, Session Management: a client that leaves says so. */
  function endSession(): Promise<unknown> {
    const { 'content-type': _none, ...headers } = headersFor()
    endListening?.()
    const told = new Promise<void>((resolve) => {
      const done = () => resolve()
      sender.send(url, { method: 'DELETE', headers, onEnd: done, onFailure: done })
    })
    return Promise.race([told, delay(500, undefined, { ref: false })])
  }
}

function malformed(body: string): string {
  return `it answered with what is no JSON-RPC message: ${JSON.stringify(body.slice(0, 200))}`
}
