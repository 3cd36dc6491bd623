import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Profile } from '../profile.ts'
import { type CallAnswer, type ClientCall, refuse } from '../relay/client-call.ts'
import type { CallTrace } from '../traffic-tap.ts'
import type { ClientSession } from '../upstreams/links.ts'
import type { MessageOwner, Question } from '../upstreams/message-owner.ts'
import { taskOwnerOf } from '../upstreams/task-owners.ts'
import { editObject } from '../wire/json-text.ts'
import {
  changedUri,
  type Id,
  type JsonObject,
  type Message,
  type Notification,
  paramsText,
  type Request,
  writeAnswer,
  writeNotification,
} from '../wire/message.ts'
import { type Caller, rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import type { Outlet } from './outlet.ts'
import { createSessionQuestions } from './session-questions.ts'
import type { SessionTerms } from './session-terms.ts'
import { createSessionWishes, type SessionState } from './session-wishes.ts'

/** Requests that may be under way in one session. */
const mostCalls = 1_024

/** One MCP session of a 2025 client, over whatever transport. */
export interface Session extends ClientSession {
  readonly terms: SessionTerms
  /** Takes what a client posted; answers go to `outlet`. */
  receive(message: Message, from: { outlet: Outlet; origin: string }): void
  /** A list or a resource of a server has changed, which everybody who shares it is told. */
  changed(server: string, notification: Notification, params: string | undefined): void
  /** Asks for what it had asked for before. */
  restore(state: SessionState): void
  /** Ends the session and what it holds upstream. Safe to call twice. */
  close(): void
}

export function createSession(options: {
  id: string
  profile: Profile
  terms: SessionTerms
  /** The stream that belongs to no call. */
  outlet: Outlet
  logger: Logger
  onState: (state: SessionState) => void
}): Session {
  const { profile, terms, outlet: ownOutlet, logger } = options
  const calls = new Map<Id, LegacyCall>()
  let isClosed = false
  const taskOwner = taskOwnerOf(profile.config.name, terms.principal, options.id)
  const sender = { clientInfo: terms.clientInfo, sessionId: options.id }
  const questions = createSessionQuestions({
    logger,
    onAside: (method, params) => profile.tap.message({ from: 'server', method, params }, sender),
  })
  const wishes = createSessionWishes({
    profile,
    session: () => session,
    onState: options.onState,
  })

  class LegacyCall implements ClientCall, MessageOwner {
    readonly era = 'legacy'
    readonly request: Request
    readonly outlet: Outlet
    readonly origin: string
    readonly trace: CallTrace | undefined
    cancel: ClientCall['cancel'] = undefined

    constructor(request: Request, from: { outlet: Outlet; origin: string }) {
      this.request = request
      this.trace = profile.tap.request(request, { era: 'legacy', ...terms, sessionId: options.id })
      this.outlet = from.outlet
      this.origin = from.origin
    }
    get owner(): MessageOwner {
      return this
    }
    get session(): ClientSession {
      return session
    }
    get clientInfo(): JsonObject {
      return terms.clientInfo
    }
    get principal(): string {
      return terms.principal
    }
    get caller(): Caller {
      const { clientInfo, protocolVersion } = terms
      return {
        profile: profile.config.name,
        origin: this.origin,
        protocolVersion,
        client: clientInfo as Caller['client'],
      }
    }
    get ownerId(): string {
      return options.id
    }
    get taskOwner(): string {
      return taskOwner
    }
    get capabilities(): JsonObject {
      return terms.capabilities
    }
    get logLevel(): string {
      return wishes.level ?? 'all'
    }
    tell(method: string, params: string | undefined) {
      this.outlet.deliver(writeNotification(method, params))
      this.trace?.aside('server', method, params ?? '{}')
    }
    ask(question: Question): (params?: string) => void {
      return questions.ask(question, this)
    }
    answer({ kind, body }: CallAnswer) {
      if (calls.get(this.request.id) !== this) return
      calls.delete(this.request.id)
      this.outlet.answer(writeAnswer(this.request.id, kind, body))
      this.trace?.ended(kind, body)
    }
    /** Answers one that was not begun. */
    reject(refusal: RpcError) {
      const body = errorText(refusal)
      this.outlet.answer(writeAnswer(this.request.id, 'error', body))
      this.trace?.ended('error', body)
    }
    pause(retryMs: number) {
      this.outlet.pause(retryMs)
    }
  }

  function requested(call: LegacyCall) {
    const { request } = call
    const refusal = refusalOf(request)
    if (refusal) return call.reject(refusal)
    calls.set(request.id, call)
    switch (request.method) {
      case 'ping':
        return call.answer({ kind: 'result', body: '{}' })
      case 'initialize':
        return refuse(
          call,
          new RpcError(rpcCodes.invalidRequest, 'The session is initialized already'),
        )
      case 'logging/setLevel':
        return settle(call, wishes.setLevel(request))
      case 'resources/subscribe':
        return settle(call, wishes.subscribe(request))
      case 'resources/unsubscribe':
        return settle(call, wishes.unsubscribe(request))
      default:
        return profile.handle(call)
    }
  }

  /** Why a request is not begun, whatever it asks for. */
  function refusalOf({ id }: Request): RpcError | undefined {
    if (calls.has(id)) {
      const message = `Another request with the id ${JSON.stringify(id)} is under way`
      return new RpcError(rpcCodes.invalidRequest, message)
    }
    if (calls.size < mostCalls) return undefined
    const message =
      `${mostCalls} requests of this session are under way, which is the most there may be; ` +
      'wait for answers, or cancel some of them.'
    return new RpcError(rpcCodes.upstreamUnavailable, message)
  }

  function settle(call: LegacyCall, work: Promise<void>): void {
    work.then(
      () => call.answer({ kind: 'result', body: '{}' }),
      (error: unknown) => refuse(call, error),
    )
  }

  function notified(notification: Notification) {
    const { method, params } = notification
    const text = paramsText(notification)
    profile.tap.message({ from: 'client', method, params: text }, sender)
    if (method === 'notifications/initialized') return
    if (method === 'notifications/cancelled') return cancelled(params)
    if (method === 'notifications/progress') return questions.progressed(params, text ?? '{}')
    for (const upstream of profile.upstreams()) upstream.notify(session, method, text)
  }

  function cancelled(params: JsonObject | undefined): void {
    const call = calls.get(params?.requestId as Id)
    if (!call) return
    calls.delete(call.request.id)
    call.trace?.ended('cancelled')
    call.cancel?.(typeof params?.reason === 'string' ? params.reason : 'cancelled by the client')
    call.outlet.drop()
  }

  const session: Session = {
    terms,
    ownerId: options.id,
    taskOwner,
    clientInfo: terms.clientInfo,
    capabilities: terms.capabilities,
    get logLevel() {
      return wishes.level ?? 'all'
    },
    tell(method, params) {
      ownOutlet.deliver(writeNotification(method, params))
      profile.tap.message({ from: 'server', method, params }, sender)
    },
    ask: (question) => questions.ask(question, { outlet: ownOutlet }),
    receive(message, from) {
      const call = message.kind === 'request' ? new LegacyCall(message, from) : undefined
      try {
        if (call) requested(call)
        else if (message.kind === 'notification') notified(message)
        else if (message.kind !== 'request') questions.answered(message)
      } catch (error) {
        // Its POST may be answered already: there is nobody to throw at.
        logger.error('a message of a client could not be handled', { reason: messageOf(error) })
        if (call) refuse(call, error)
      }
    },
    changed(server, notification, params) {
      const upstream = profile.upstreams().find(({ name }) => name === server)
      // It hears its own connection.
      if (upstream?.isolates(session)) return
      const uri = changedUri(notification)
      const isFollowed = profile.namesOfUri(server, uri).some((name) => wishes.follows(name))
      if (uri === '' || isFollowed) session.heard(server, notification, params)
    },
    heard(server, notification, params) {
      const { method } = notification
      const uri = changedUri(notification)
      const names = uri === '' ? [] : profile.namesOfUri(server, uri)
      const name = names.find((one) => wishes.follows(one)) ?? uri
      const isSame = name === uri || params === undefined
      session.tell(method, isSame ? params : editObject(params, { uri: JSON.stringify(name) }))
    },
    restore: wishes.restore,
    close() {
      if (isClosed) return
      isClosed = true
      for (const call of calls.values()) {
        call.cancel?.('the client has left')
        call.trace?.ended('lost')
        call.outlet.drop()
      }
      calls.clear()
      questions.close()
      wishes.close()
      for (const upstream of profile.upstreams()) void upstream.releaseSession(session)
    },
  }
  return session
}
