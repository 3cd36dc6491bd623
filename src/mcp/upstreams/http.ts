import { setTimeout as delay } from 'node:timers/promises'
import { parseMessage } from '../wire/message.ts'
import { type Era, modernRevision } from '../wire/protocol.ts'
import { describeAnswer, saysNoSuchSession } from './failed-answer.ts'
import {
  createHttpSender,
  type Exchange,
  type HttpAnswer,
  type HttpTransportOptions,
} from './http-sender.ts'
import { encodeHeaderValue } from './param-headers.ts'
import {
  type OutgoingRequest,
  type Transport,
  type TransportListener,
  UpstreamFailure,
} from './transport.ts'

/** How long to wait before a stream is opened again, where the server does not say, ms. */
const reopenMs = { first: 1_000, most: 30_000 }
/** Between no pause at all and one that no timer can hold, ms. */
const askedPauseMs = { least: 10, most: 60 * 60_000 }

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
      return listener.onAnswer(message, { id, status })
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

function pauseAfter(retryMs: number | undefined): number {
  const { least, most } = askedPauseMs
  return Math.min(Math.max(retryMs ?? reopenMs.first, least), most)
}
