import type { IncomingHttpHeaders } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import type { HttpServerConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import { createEventReader } from '../wire/event-stream.ts'
import { maxMessageLength } from '../wire/message.ts'
import { UpstreamFailure } from './transport.ts'
import type { UpstreamAuth } from './upstream-auth.ts'

/** Longest time to establish a connection, ms. Requests themselves are timed by their callers. */
const connectMs = 10_000
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

/** One request over HTTP, and who hears of it. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  onHeaders?(headers: IncomingHttpHeaders): void
  onEvent?(data: string): void
  /** Called once, last: with the whole answer, or when its event stream has ended. */
  onEnd(answer: HttpAnswer): void
  onFailure(failure: UpstreamFailure): void
}

export interface HttpAnswer {
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
    clearTimeout(patience)
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
