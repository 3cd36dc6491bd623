import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client'
import type { Dispatcher } from 'undici'
import { rpcError } from '../mcp-error.ts'
import type { JsonObject, WireNotification, WireRequest, WireResult } from '../wire-types.ts'
import { type Exchange, mediaType, openExchange, type Received } from './exchange.ts'
import type { UnusualAnswer } from './handover.ts'
import { openPendingAnswer } from './pending-answer.ts'
import { isPlainResult } from './plain-result.ts'
import { readUpstreamMessage, type UpstreamMessage } from './upstream-message.ts'

/**
 * Ids, which are progress tokens too: above those that the SDK counts up to on the same connection,
 * and within 32 bits, as not every server has more for them.
 */
const firstId = 2 ** 30
const lastId = 2 ** 31 - 1
const plainName = /^[\x21-\x7e]+$/

export interface FastRequestOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly headers?: Record<string, string>
  /** Also keeps the request alive: progress restarts its timeout. */
  readonly onProgress?: (progress: JsonObject) => void
  readonly onNotification?: (notification: WireNotification) => void
}

/** The result, or what is for the SDK to judge. */
export type FastOutcome = { kind: 'result'; result: WireResult } | UnusualAnswer

/** Sends requests of 2026-07-28 over HTTP without the SDK and web streams. */
export interface FastRequests {
  accepts(request: WireRequest): boolean
  /** @throws Error the upstream's JSON-RPC error, or what the SDK too would reject with */
  send(request: WireRequest, options: FastRequestOptions): Promise<FastOutcome>
}

export function createFastRequests(connection: {
  readonly url: URL
  readonly dispatcher: Dispatcher
  /** Headers of the configuration, which replace any of ours. */
  readonly headers: Readonly<Record<string, string>>
  readonly protocolVersion: string
  /** What the `_meta` of every request says, unless the request says otherwise. */
  readonly envelope: JsonObject
  readonly accessToken: () => Promise<string | undefined>
}): FastRequests {
  const { url, dispatcher, protocolVersion } = connection
  const configured = Object.fromEntries(new Headers(connection.headers))
  let nextId = firstId

  async function headersFor(name: string, more: Record<string, string> | undefined) {
    const accessToken = await connection.accessToken()
    const headers: Record<string, string> = {
      'mcp-protocol-version': protocolVersion,
      'mcp-method': 'tools/call',
      'mcp-name': name,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    if (accessToken !== undefined) headers.authorization = `Bearer ${accessToken}`
    for (const [key, value] of Object.entries(more ?? {})) headers[key.toLowerCase()] = value
    return Object.assign(headers, configured)
  }

  function toMessage({ method, params }: WireRequest, id: number, hasProgress: boolean) {
    const _meta = {
      ...connection.envelope,
      ...(params?._meta as JsonObject | undefined),
      ...(hasProgress && { progressToken: id }),
    }
    return { method, params: { ...params, _meta }, jsonrpc: '2.0', id }
  }

  return {
    accepts({ method, params }) {
      const name = params?.name
      return (
        method === 'tools/call' &&
        typeof name === 'string' &&
        plainName.test(name) &&
        // Such a name would have to be encoded, or it is taken for an encoded one.
        !name.startsWith('=?')
      )
    },
    async send(request, options) {
      const id = nextId
      nextId = id === lastId ? firstId : id + 1
      const headers = await headersFor(String(request.params?.name), options.headers)
      const body = JSON.stringify(toMessage(request, id, options.onProgress !== undefined))
      return exchange({ dispatcher, post: { url, headers, body }, id, options })
    },
  }
}

async function exchange(call: {
  dispatcher: Dispatcher
  post: { url: URL; headers: Record<string, string>; body: string }
  id: number
  options: FastRequestOptions
}): Promise<FastOutcome> {
  const { id, options } = call
  let opened: Exchange | undefined
  const pending = openPendingAnswer<FastOutcome>(options, (reason) => opened?.abort(reason))
  const doubt = (received: Received) => pending.resolve({ kind: 'doubtful', received, id })

  function take(message: UpstreamMessage, received: () => Received): void {
    if (pending.isSettled) return
    if (message.kind === 'result' && isPlainResult(message.result)) {
      const { resultType: _complete, ...result } = message.result
      pending.resolve({ kind: 'result', result })
    } else if (message.kind === 'error') {
      pending.reject(rpcError(message.code, message.message, message.data))
    } else if (message.kind === 'progress') {
      if (options.onProgress) pending.prolong()
      options.onProgress?.(message.progress)
    } else if (message.kind === 'notification') {
      options.onNotification?.(message.notification)
    } else if (message.kind !== 'ignored') {
      doubt(received())
    }
  }

  if (pending.isSettled) return pending.promise
  opened = openExchange(call.dispatcher, call.post, {
    onAnswer(received) {
      const message = readUpstreamMessage(readJson(received), id)
      const isAnswer = message.kind === 'result' || message.kind === 'error'
      if (isAnswer) take(message, () => received)
      else doubt(received)
    },
    onEvent: (data) => take(readUpstreamMessage(parse(data), id), () => asAnswer(data)),
    // The SDK would wait for the rest of the time limit: nothing tells it of a stream's end.
    onStreamEnd: () => pending.reject(streamEnded()),
    onError: (error) => pending.resolve({ kind: 'lost', error }),
  })
  return pending.promise
}

/** A message of 200 that is JSON; undefined for whatever else was received. */
function readJson(received: Received): unknown {
  const isJson = received.status === 200 && mediaType(received.headers) === 'application/json'
  return isJson ? parse(received.body.toString('utf8')) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No JSON: of an answer the SDK says so, and an event that is none is skipped.
    return undefined
  }
}

function asAnswer(data: string): Received {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(data) }
}

function streamEnded(): SdkError {
  return new SdkError(SdkErrorCode.ConnectionClosed, 'its answer ended early')
}
