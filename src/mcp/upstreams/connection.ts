import { messageOf } from '../../errors.ts'
import { editObject, memberText } from '../wire/json-text.ts'
import {
  bodyText,
  isId,
  type Message,
  type Notification,
  paramsText,
  parseBatch,
  parseMessage,
  type Request,
  writeNotification,
  writeRequest,
} from '../wire/message.ts'
import { type Era, metaKeys } from '../wire/protocol.ts'
import { type ConnectOptions, createTransport } from './connect-options.ts'
import { type Handshake, shakeHands } from './handshake.ts'
import { type MessageOwner, taskOf, tellOwners } from './message-owner.ts'
import { createOwnRequests, forever } from './own-requests.ts'
import type { CallListener, OutgoingCall } from './server-call.ts'
import { createServerQuestions } from './server-questions.ts'
import { type Transport, UpstreamFailure } from './transport.ts'

interface PendingCall {
  readonly listener: CallListener
  readonly timer: NodeJS.Timeout
}

/** One connection to a server, of either era. Nothing that passes is validated or written anew. */
export function createConnection(options: ConnectOptions) {
  const { config, logger } = options
  /**
   * By their ids. No Map: each table that one grows out of points to the next, so that one dead table in
   * the old generation keeps all that follow, and every call in them, until that is collected as well.
   */
  const calls: Record<number, PendingCall> = {}
  const whenIdle: (() => void)[] = []
  const isBusy = () => Object.keys(calls).length > (era === 'modern' ? 1 : 0)
  let lastId = 0
  let abandonedFor: string | undefined
  let closedFor: string | undefined
  let era: Era = 'legacy'
  let handshake: Handshake = { capabilities: {} }
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<string>()
  const questions = createServerQuestions(config.name, post)
  const { ask, listen } = createOwnRequests({ ...options, call, era: () => era })

  const transport: Transport = createTransport(options, {
    onText: receive,
    onAnswer: handle,
    onFailure: (id, failure) => settle(id)?.listener.failed(failure),
    onPause: (id, retryMs) => calls[id]?.listener.paused?.(retryMs),
    onClosed(reason) {
      if (closedFor !== undefined) return
      closedFor = abandonedFor ?? reason
      for (const id of Object.keys(calls)) {
        settle(Number(id))?.listener.failed(new UpstreamFailure('lost', closedFor))
      }
      questions.close()
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
    const batch = parseBatch(text)
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
    if (message.kind === 'request') return questions.ask(message, listenersOf(message, about))
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
      return questions.takeBack(params?.requestId, paramsText(notification))
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
    calls[id] = { listener, timer }
    if (closedFor !== undefined) {
      settle(id)
      const failure = new UpstreamFailure('unseen', closedFor)
      queueMicrotask(() => listener.failed(failure))
      return () => {}
    }
    const takeBack = transport.send({ ...request, name: outgoing.name, headers: outgoing.headers })

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

  async function open(): Promise<void> {
    await transport.open()
    const wanted = options.era === 'auto' && config.type === 'sse' ? 'legacy' : options.era
    const agreed = await shakeHands(wanted, {
      ...options,
      ask,
      isClosed: () => closedFor !== undefined,
    })
    era = agreed.era
    handshake = agreed.handshake
    transport.opened?.(agreed)
    if (era === 'modern') return
    const method = 'notifications/initialized'
    await transport.post(writeNotification(method, undefined), { method })
  }

  return {
    /** @throws Error whose message is a sentence fragment about the server */
    open,
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
      return isBusy() ? new Promise<void>((resolve) => whenIdle.push(resolve)) : Promise.resolve()
    },
    /** The returned function cancels it: the server is told, and nothing more is heard. */
    call,
    /** A request of the gateway's own. @throws RpcError | UpstreamFailure */
    ask,
    /** Opens a 2026-07-28 `subscriptions/listen` stream; what it brings arrives as any other change. */
    listen,
    notify: (method: string, params: string | undefined) =>
      post(writeNotification(method, params), { method }),
    /** Resolves with the reason once the connection is gone. Never rejects. */
    closed,
    /** The same reason, at once; undefined while it is there. */
    get closedFor() {
      return closedFor
    },
    /** Ends a connection that proved unusable, giving `closed` the reason. */
    abandon(reason: string): Promise<void> {
      abandonedFor ??= reason
      return transport.close()
    },
    close: () => transport.close(),
  }
}

export type UpstreamConnection = ReturnType<typeof createConnection>

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
