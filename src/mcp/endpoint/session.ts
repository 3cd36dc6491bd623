import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Profile } from '../profile.ts'
import { type CallAnswer, type ClientCall, refuse } from '../relay/client-call.ts'
import { askedBy } from '../relay/route.ts'
import { maxSubscriptions } from '../request-reading.ts'
import type { CallTrace } from '../traffic-tap.ts'
import type { ClientSession } from '../upstreams/links.ts'
import type { MessageOwner, Question } from '../upstreams/message-owner.ts'
import { taskOwnerOf } from '../upstreams/task-owners.ts'
import { editObject, memberText } from '../wire/json-text.ts'
import {
  type Answer,
  bodyText,
  changedUri,
  type Id,
  isId,
  type JsonObject,
  type Message,
  type Notification,
  paramsText,
  progressTokenOf,
  type Request,
  writeAnswer,
  writeNotification,
  writeRequest,
} from '../wire/message.ts'
import { type Caller, isLogLevel, rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import type { SessionTerms } from './session-terms.ts'

/** What may be under way in one session at once. */
const most = { calls: 1_024, questions: 256 }

/** Where the messages of a session go: the stream of one POST, or the one that belongs to none. */
export interface Outlet {
  /** Sends a notification. */
  deliver(text: string): void
  /** Sends a request. False where the client takes no such thing. */
  ask(text: string): boolean
  /** Sends an answer. */
  answer(text: string): void
  /** A request that is not answered any more. */
  drop(): void
  /** Ends the stream for a while; the client comes back for the rest. */
  pause(retryMs: number): void
}

/** What a session had asked for, so that it can be taken up again. */
export interface SessionState {
  readonly level: string | undefined
  readonly subscriptions: readonly string[]
}

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
  const asked = new Map<
    number,
    { question: Question; token: Id | undefined; trace: CallTrace | undefined }
  >()
  const subscriptions = new Map<string, () => void>()
  let lastAsked = 0
  let level: string | undefined
  let isClosed = false
  const taskOwner = taskOwnerOf(profile.config.name, terms.principal, options.id)
  const sender = { clientInfo: terms.clientInfo, sessionId: options.id }

  /** Puts a server's request to the client, under an id and a token of this session's. */
  function ask(
    question: Question,
    { outlet, trace }: { outlet: Outlet; trace?: CallTrace | undefined },
  ): (params?: string) => void {
    if (asked.size >= most.questions) {
      const message = `${most.questions} questions wait for this client’s answers already`
      question.answer('error', errorText(new RpcError(rpcCodes.upstreamUnavailable, message)))
      return () => {}
    }
    const id = ++lastAsked
    const { method, params } = question.request
    const token = progressTokenOf(params)
    asked.set(id, { question, token, trace })
    let text = paramsText(question.request)
    if (token !== undefined && text !== undefined) {
      const meta = editObject(memberText(text, '_meta') ?? '{}', { progressToken: String(id) })
      text = editObject(text, { _meta: meta })
    }
    if (trace) trace.aside('server', method, text ?? '{}')
    else profile.tap.message({ from: 'server', method, params: text }, sender)
    if (!outlet.ask(writeRequest(id, method, text))) {
      asked.delete(id)
      const message = 'the client takes no event streams, so it cannot be asked'
      question.answer('error', errorText(new RpcError(rpcCodes.methodNotFound, message)))
    }
    return (params = '{}') => {
      if (!asked.delete(id)) return
      const about = editObject(params, { requestId: String(id) })
      outlet.deliver(writeNotification('notifications/cancelled', about))
    }
  }

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
      return level ?? 'all'
    }
    tell(method: string, params: string | undefined) {
      this.outlet.deliver(writeNotification(method, params))
      this.trace?.aside('server', method, params ?? '{}')
    }
    ask(question: Question): (params?: string) => void {
      return ask(question, this)
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
        return settle(call, setLevel(request))
      case 'resources/subscribe':
        return settle(call, subscribe(request))
      case 'resources/unsubscribe':
        return settle(call, unsubscribe(request))
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
    if (calls.size < most.calls) return undefined
    const message =
      `${most.calls} requests of this session are under way, which is the most there may be; ` +
      'wait for answers, or cancel some of them.'
    return new RpcError(rpcCodes.upstreamUnavailable, message)
  }

  function settle(call: LegacyCall, work: Promise<void>): void {
    work.then(
      () => call.answer({ kind: 'result', body: '{}' }),
      (error: unknown) => refuse(call, error),
    )
  }

  async function setLevel(request: Request): Promise<void> {
    const asked = request.params?.level
    if (!isLogLevel(asked)) throw new RpcError(rpcCodes.invalidParams, 'Unknown log level')
    const logging = profile
      .upstreams()
      .filter((one) => profile.upstreams().length === 1 || announcesLogging(one.catalog()))
    const outcomes = await Promise.allSettled(logging.map((one) => one.setLogLevel(session, asked)))
    const refusals = outcomes.filter((outcome) => outcome.status === 'rejected')
    // Of several servers, one that has no such thing is nobody's business.
    if (refusals.length > 0 && refusals.length === outcomes.length) throw refusals[0]?.reason
    level = asked
    stateChanged()
  }

  async function subscribe(request: Request): Promise<void> {
    const uri = uriOf(request)
    if (subscriptions.has(uri)) return
    if (subscriptions.size >= maxSubscriptions) {
      const message =
        `This session follows ${maxSubscriptions} resources already, which is the most it may; ` +
        'unsubscribe from some of them first.'
      throw new RpcError(rpcCodes.invalidRequest, message)
    }
    // Counted from the moment it is asked for: a thousand may be asked for at once.
    subscriptions.set(uri, () => {})
    try {
      await follow(uri)
    } catch (error) {
      subscriptions.delete(uri)
      throw error
    }
    stateChanged()
  }

  async function follow(uri: string): Promise<void> {
    const found = profile.ownerOfUri(uri)
    if (!found) {
      throw new RpcError(rpcCodes.invalidParams, `Unknown resource: ${JSON.stringify(uri)}`)
    }
    const stop = await found.upstream.subscribe(found.uri, session)
    if (isClosed || !subscriptions.has(uri)) stop()
    else subscriptions.set(uri, stop)
  }

  async function unsubscribe(request: Request): Promise<void> {
    const uri = uriOf(request)
    subscriptions.get(uri)?.()
    subscriptions.delete(uri)
    stateChanged()
  }

  function stateChanged() {
    options.onState({ level, subscriptions: [...subscriptions.keys()] })
  }

  function notified(notification: Notification) {
    const { method, params } = notification
    const text = paramsText(notification)
    profile.tap.message({ from: 'client', method, params: text }, sender)
    if (method === 'notifications/initialized') return
    if (method === 'notifications/cancelled') return cancelled(params)
    if (method === 'notifications/progress') {
      const given = params?.progressToken
      const about = isId(given) ? asked.get(Number(given)) : undefined
      const token = JSON.stringify(about?.token)
      return about?.question.progress(editObject(text ?? '{}', { progressToken: token }))
    }
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

  function answered(answer: Answer) {
    const about = asked.get(Number(answer.id))
    if (!about) return logger.debug('an answer to nothing that was asked', { id: answer.id })
    asked.delete(Number(answer.id))
    const body = bodyText(answer)
    about.trace?.aside('client', undefined, body)
    about.question.answer(answer.kind, body)
  }

  const session: Session = {
    terms,
    ownerId: options.id,
    taskOwner,
    clientInfo: terms.clientInfo,
    capabilities: terms.capabilities,
    get logLevel() {
      return level ?? 'all'
    },
    tell(method, params) {
      ownOutlet.deliver(writeNotification(method, params))
      profile.tap.message({ from: 'server', method, params }, sender)
    },
    ask: (question) => ask(question, { outlet: ownOutlet }),
    receive(message, from) {
      const call = message.kind === 'request' ? new LegacyCall(message, from) : undefined
      try {
        if (call) requested(call)
        else if (message.kind === 'notification') notified(message)
        else if (message.kind !== 'request') answered(message)
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
      const isFollowed = profile.namesOfUri(server, uri).some((name) => subscriptions.has(name))
      if (uri === '' || isFollowed) session.heard(server, notification, params)
    },
    heard(server, notification, params) {
      const { method } = notification
      const uri = changedUri(notification)
      const names = uri === '' ? [] : profile.namesOfUri(server, uri)
      const name = names.find((one) => subscriptions.has(one)) ?? uri
      const isSame = name === uri || params === undefined
      session.tell(method, isSame ? params : editObject(params, { uri: JSON.stringify(name) }))
    },
    restore(state) {
      level = state.level
      const again = [
        ...state.subscriptions.map((uri) => {
          subscriptions.set(uri, () => {})
          return follow(uri)
        }),
        ...(level === undefined
          ? []
          : profile.upstreams().map((one) => one.setLogLevel(session, level ?? ''))),
      ]
      void Promise.allSettled(again)
    },
    close() {
      if (isClosed) return
      isClosed = true
      for (const call of calls.values()) {
        call.cancel?.('the client has left')
        call.trace?.ended('lost')
        call.outlet.drop()
      }
      calls.clear()
      const gone = errorText(new RpcError(rpcCodes.upstreamUnavailable, 'the client has left'))
      for (const { question } of asked.values()) question.answer('error', gone)
      asked.clear()
      for (const stop of subscriptions.values()) stop()
      subscriptions.clear()
      for (const upstream of profile.upstreams()) void upstream.releaseSession(session)
    },
  }
  return session
}

function uriOf(request: Request): string {
  const asked = askedBy(request)
  return asked.kind === 'resource' ? asked.uri : ''
}

function announcesLogging(
  catalog: { handshake: { capabilities: JsonObject } } | undefined,
): boolean {
  return catalog?.handshake.capabilities.logging !== undefined
}
