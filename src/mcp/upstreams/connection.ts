import type { ServerConfig } from '../../config/resolved-config.ts'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { ProcessReaper } from '../../lib/process-reaper.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import { editObject, memberText } from '../wire/json-text.ts'
import {
  type Answer,
  bodyText,
  isId,
  isJsonObject,
  type JsonObject,
  type Message,
  type Notification,
  paramsText,
  parseMessage,
  type Request,
  readBatch,
  writeAnswer,
  writeNotification,
  writeRequest,
} from '../wire/message.ts'
import { type Era, metaKeys, rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import { envelopeOf, type Handshake, shakeHands } from './handshake.ts'
import { createHttpTransport } from './http.ts'
import {
  type MessageOwner,
  ownerOfQuestion,
  type Question,
  taskOf,
  tellOwners,
} from './message-owner.ts'
import { createSseTransport } from './sse.ts'
import { createStdioTransport } from './stdio.ts'
import { type Transport, UpstreamFailure } from './transport.ts'
import type { UpstreamAuth } from './upstream-auth.ts'

/** The longest a timer can take, and longer than any call: for streams that have no end. */
const forever = 2 ** 31 - 1

/** A request to a server, without what is between us and it alone: its id, its progress token. */
export interface OutgoingCall {
  readonly method: string
  /** As text, under the server's own names. */
  readonly params: string | undefined
  /** Its client wants to hear of progress. */
  readonly hasProgress: boolean
  readonly name?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly timeoutMs: number
}

/** What is heard of one call. `answered` or `failed` is called once, after everything else. */
export interface CallListener {
  /** Whose call it is; undefined for the gateway's own. */
  readonly owner: MessageOwner | undefined
  answered(answer: ServerAnswer): void
  failed(failure: UpstreamFailure): void
  /** Params as text, under the server's token. */
  progress(params: string): void
  /** The server ends the stream of this call for a while (2025-11-25, polling). */
  paused?(retryMs: number): void
}

export interface ServerAnswer {
  readonly kind: Answer['kind']
  readonly value: unknown
  /** The text of the result, or of the error. */
  readonly body: string
  /** Of HTTP. */
  readonly status: number | undefined
}

/** One open connection to a server, of either era. Nothing that passes is validated or written anew. */
export interface UpstreamConnection {
  readonly era: Era
  readonly handshake: Handshake
  /** Whether any call is under way but the one that follows the changes of a 2026-07-28 server. */
  readonly isBusy: boolean
  /** Resolves when none is. */
  idle(): Promise<void>
  /** The returned function cancels it: the server is told, and nothing more is heard. */
  call(outgoing: OutgoingCall, listener: CallListener): (reason: string) => void
  notify(method: string, params: string | undefined): void
  /** A request of the gateway's own. @throws RpcError | UpstreamFailure */
  ask(method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject>
  /** Opens a 2026-07-28 `subscriptions/listen` stream; what it brings arrives as any other change. */
  listen(filter: JsonObject): Subscription
  /** Resolves with the reason once the connection is gone. Never rejects. */
  readonly closed: Promise<string>
  readonly isClosed: boolean
  /** Ends a connection that proved unusable, giving `closed` the reason. */
  abandon(reason: string): Promise<void>
  close(): Promise<void>
}

export interface Subscription {
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>
  close(): void
}

export interface ConnectOptions {
  readonly config: ServerConfig
  /** `auto` asks for the newest era the server speaks. */
  readonly era: 'auto' | Era
  readonly clientInfo: JsonObject
  readonly capabilities: JsonObject
  /** Who hears what belongs to no call. */
  readonly audience: () => readonly MessageOwner[]
  /** Whether a task is known to a part of the audience, and nobody else hears of it. */
  readonly isTaskOf: (taskId: string, owner: MessageOwner) => boolean
  /** Least severe log message for whoever has set no level; `all` leaves that to the server. */
  readonly unasked: () => string
  /** A list or a resource of the server has changed. */
  readonly onChange: (notification: Notification, params: string | undefined) => void
  /** Longest time for the whole handshake, ms. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Our own environment, of which a program gets the harmless part. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly reaper: ProcessReaper
  readonly auth: UpstreamAuth
  readonly connections: UpstreamConnections
  readonly logger: Logger
  /** Told why the upstream failed, in words for its owner alone. */
  readonly onOwnersReason: (reason: string) => void
  /** A message that could not be read, with its first characters. */
  readonly onMalformed: (excerpt: string) => void
}

interface PendingCall {
  readonly listener: CallListener
  readonly timer: NodeJS.Timeout
}

/**
 * Connects to a server. A rejected or aborted connect leaves no process and no socket.
 * @throws Error whose message is a sentence fragment about the server
 */
export async function connectUpstream(options: ConnectOptions): Promise<UpstreamConnection> {
  const { config, signal } = options
  const link = createLink(options)
  const onAbort = () => void link.abandon('the upstream is being closed')
  signal.addEventListener('abort', onAbort, { once: true })
  const limit = setTimeout(
    () => void link.abandon(`it did not answer within ${options.timeoutMs / 1000} s`),
    options.timeoutMs,
  )
  try {
    signal.throwIfAborted()
    await link.transport.open()
    const era = options.era === 'auto' && config.type === 'sse' ? 'legacy' : options.era
    await link.open(era)
    return link.connection
  } catch (error) {
    const reason = link.closedFor()
    await link.close()
    throw reason === undefined ? error : new Error(reason, { cause: error })
  } finally {
    clearTimeout(limit)
    signal.removeEventListener('abort', onAbort)
  }
}

function createLink(options: ConnectOptions) {
  const { config, logger } = options
  /**
   * By their ids. No Map: each table that one grows out of points to the next, so that one dead table in
   * the old generation keeps all that follow, and every call in them, until that is collected as well.
   */
  const calls: Record<number, PendingCall> = {}
  const whenIdle: (() => void)[] = []
  const isBusy = () => Object.keys(calls).length > (era === 'modern' ? 1 : 0)
  /** Cancels of the server's questions, by the id it gave them. */
  const questions = new Map<string | number, (params?: string) => void>()
  let lastId = 0
  let isClosed = false
  let abandonedFor: string | undefined
  let closedFor: string | undefined
  let era: Era = 'legacy'
  let handshake: Handshake = { capabilities: {} }
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<string>()

  const transport: Transport = createTransport(options, {
    onText: receive,
    onAnswer: handle,
    onFailure: (id, failure) => settle(id)?.listener.failed(failure),
    onPause: (id, retryMs) => calls[id]?.listener.paused?.(retryMs),
    onClosed(reason) {
      if (isClosed) return
      isClosed = true
      closedFor = abandonedFor ?? reason
      for (const id of Object.keys(calls)) {
        settle(Number(id))?.listener.failed(new UpstreamFailure('lost', closedFor))
      }
      for (const takeBack of questions.values()) takeBack()
      questions.clear()
      setClosed(closedFor)
    },
  })

  function settle(id: number): PendingCall | undefined {
    const call = calls[id]
    if (!call) return undefined
    delete calls[id]
    if (whenIdle.length > 0 && !isBusy()) for (const tell of whenIdle.splice(0)) tell()
    clearTimeout(call.timer)
    return call
  }

  function receive(text: string, about?: { id: number; status: number }) {
    const message = parseMessage(text)
    if (message) return handle(message, about)
    // JSON-RPC batches (2025-03-26).
    const batch = text.startsWith('[') ? parseBatch(text) : undefined
    if (batch) for (const one of batch) handle(one, about)
    else malformed(text, about)
  }

  /** Whatever a server may say: it costs the message, and the call that it answers. */
  function handle(message: Message, about?: { id: number; status: number }) {
    const isAnswer = message.kind === 'result' || message.kind === 'error'
    const answered = isAnswer ? calls[Number(message.id ?? about?.id)] : undefined
    try {
      dispatch(message, about)
    } catch (error) {
      const reason = 'it sent what could not be read'
      logger.warn('a message could not be handled', { reason: messageOf(error) })
      answered?.listener.failed(new UpstreamFailure('refused', reason, { cause: error }))
    }
  }

  function malformed(text: string, about?: { id: number }) {
    options.onMalformed(text.slice(0, 200))
    if (!about) return
    const reason = `it sent what is no JSON-RPC message: ${JSON.stringify(text.slice(0, 200))}`
    settle(about.id)?.listener.failed(new UpstreamFailure('refused', reason))
  }

  function dispatch(message: Message, about?: { id: number; status: number }) {
    if (message.kind === 'request') return question(message, about)
    if (message.kind === 'notification') return notified(message, about)
    // An error without an id is about the request on whose stream it came, where there is one.
    const id = message.id === null ? about?.id : Number(message.id)
    const call = id === undefined ? undefined : settle(id)
    const body = bodyText(message)
    call?.listener.answered({
      kind: message.kind,
      value: message.value,
      body,
      status: about?.status,
    })
  }

  function notified(notification: Notification, about?: { id: number }) {
    const { method, params } = notification
    if (method === 'notifications/progress') {
      const token = params?.progressToken
      const call = isId(token) ? calls[Number(token)] : undefined
      if (!call) return
      call.timer.refresh()
      return call.listener.progress(paramsText(notification) ?? '{}')
    }
    if (method === 'notifications/cancelled') {
      const id = params?.requestId as string | number
      questions.get(id)?.(paramsText(notification))
      questions.delete(id)
      return
    }
    if (method === 'notifications/subscriptions/acknowledged') return
    const text = paramsText(notification)
    if (isChange(method)) return options.onChange(notification, text && withoutSubscription(text))
    tellOwners(listenersOf(notification, about), notification, {
      params: text,
      unasked: options.unasked(),
    })
  }

  /** Those who are calling; without a call, whoever uses the connection; of a task, whose it is. */
  function listenersOf(
    message: Notification | Request,
    about: { id: number } | undefined,
  ): readonly MessageOwner[] {
    const own = about && calls[about.id]?.listener.owner
    if (own) return [own]
    const taskId = taskOf(message)
    if (taskId !== undefined) {
      return options.audience().filter((owner) => options.isTaskOf(taskId, owner))
    }
    const calling = Object.values(calls).flatMap(({ listener }) => listener.owner ?? [])
    return calling.length > 0 ? calling : options.audience()
  }

  function question(request: Request, about?: { id: number }) {
    const { id } = request
    const reply = (kind: Answer['kind'], body: string) => {
      if (!questions.delete(id)) return
      post(writeAnswer(id, kind, body))
    }
    const asked: Question = {
      request,
      answer: reply,
      progress: (params) => post(writeNotification('notifications/progress', params)),
    }
    // Before it is asked: the answer may come at once.
    questions.set(id, () => {})
    if (request.method === 'ping') return reply('result', '{}')
    try {
      const takeBack = ownerOfQuestion(config.name, request, listenersOf(request, about)).ask(asked)
      if (questions.has(id)) questions.set(id, takeBack)
    } catch (error) {
      reply('error', errorText(error))
    }
  }

  function post(text: string, options?: { method: string }): void {
    transport.post(text, options).catch((error: Error) => {
      // What it was about finds out for itself that the server is gone.
      logger.debug('a message could not be sent', { reason: error.message })
    })
  }

  function call(outgoing: OutgoingCall, listener: CallListener): (reason: string) => void {
    const id = ++lastId
    const { method, hasProgress, timeoutMs } = outgoing
    const params = hasProgress ? withProgressToken(outgoing.params ?? '{}', id) : outgoing.params
    const timer = setTimeout(() => {
      cancel('the time limit is over')
      listener.failed(new UpstreamFailure('timeout', `no answer within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    if (timeoutMs === forever) clearTimeout(timer)
    const request = { id, text: writeRequest(id, method, params), method }
    // Registered first, as a transport may fail at once.
    let takeBack = () => {}
    calls[id] = { listener, timer }
    if (isClosed) {
      settle(id)
      const failure = new UpstreamFailure('unseen', closedFor ?? 'the connection was closed')
      queueMicrotask(() => listener.failed(failure))
      return () => {}
    }
    takeBack = transport.send({ ...request, name: outgoing.name, headers: outgoing.headers })

    function cancel(reason: string): void {
      if (!settle(id)) return
      takeBack()
      // Over HTTP a 2026-07-28 server sees that its caller has left.
      if (era === 'modern' && config.type !== 'stdio') return
      if (method === 'initialize') return
      const about = JSON.stringify({ requestId: id, reason })
      post(writeNotification('notifications/cancelled', about), {
        method: 'notifications/cancelled',
      })
    }
    return cancel
  }

  function listen(filter: JsonObject): Subscription {
    const { promise, resolve } = Promise.withResolvers<void>()
    const params = { notifications: filter, _meta: envelopeOf(options) }
    const method = 'subscriptions/listen'
    const cancel = call(
      { method, params: JSON.stringify(params), hasProgress: false, timeoutMs: forever },
      { owner: undefined, answered: () => resolve(), failed: () => resolve(), progress: () => {} },
    )
    return {
      ended: promise,
      close() {
        cancel('not followed any more')
        resolve()
      },
    }
  }

  function ask(method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject> {
    const all = era === 'modern' ? { ...params, _meta: envelopeOf(options) } : params
    return new Promise((resolve, reject) => {
      call(
        { method, params: JSON.stringify(all), hasProgress: false, timeoutMs },
        {
          owner: undefined,
          answered: ({ kind, value }) =>
            kind === 'result' && isJsonObject(value) ? resolve(value) : reject(rpcErrorOf(value)),
          failed: reject,
          progress: () => {},
        },
      )
    })
  }

  async function open(wanted: 'auto' | Era): Promise<void> {
    const agreed = await shakeHands(wanted, { ...options, ask, isClosed: () => isClosed })
    era = agreed.era
    handshake = agreed.handshake
    transport.opened?.(agreed)
    if (era === 'modern') return
    const method = 'notifications/initialized'
    await transport.post(writeNotification(method, undefined), { method })
  }

  async function close(): Promise<void> {
    await transport.close()
  }

  const connection: UpstreamConnection = {
    get era() {
      return era
    },
    get handshake() {
      return handshake
    },
    get isBusy() {
      return isBusy()
    },
    idle() {
      return isBusy() ? new Promise((resolve) => whenIdle.push(resolve)) : Promise.resolve()
    },
    call,
    ask,
    listen,
    notify: (method, params) => post(writeNotification(method, params), { method }),
    closed,
    get isClosed() {
      return isClosed
    },
    abandon,
    close,
  }

  function abandon(reason: string): Promise<void> {
    abandonedFor ??= reason
    return close()
  }

  return { connection, transport, open, abandon, close, closedFor: () => closedFor }
}

function createTransport(
  options: ConnectOptions,
  listener: Parameters<typeof createStdioTransport>[1],
): Transport {
  const { config } = options
  if (config.type === 'stdio') return createStdioTransport({ ...options, config }, listener)
  const create = config.type === 'sse' ? createSseTransport : createHttpTransport
  return create({ ...options, config }, listener)
}

/** An error object as it came, to be thrown. */
export function rpcErrorOf(value: unknown): RpcError {
  const { code, message, data } = isJsonObject(value) ? value : {}
  const known = typeof code === 'number' ? code : rpcCodes.internalError
  return new RpcError(known, typeof message === 'string' ? message : 'no message was given', data)
}

function withProgressToken(params: string, id: number): string {
  const meta = memberText(params, '_meta') ?? '{}'
  return editObject(params, { _meta: editObject(meta, { progressToken: String(id) }) })
}

function isChange(method: string): boolean {
  return method.endsWith('/list_changed') || method === 'notifications/resources/updated'
}

/** Without the name of the subscription it came on (2026-07-28), which is between us and the server. */
function withoutSubscription(params: string): string {
  const meta = memberText(params, '_meta')
  if (!meta?.includes(metaKeys.subscriptionId)) return params
  const kept = editObject(meta, { [metaKeys.subscriptionId]: undefined })
  return editObject(params, { _meta: kept === '{}' ? undefined : kept })
}

function parseBatch(text: string): Message[] | undefined {
  try {
    const values: unknown = JSON.parse(text)
    return Array.isArray(values) ? readBatch(text, values) : undefined
  } catch {
    // Not JSON: the caller says so.
    return undefined
  }
}
