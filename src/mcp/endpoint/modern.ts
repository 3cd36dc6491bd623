import type { Profile } from '../profile.ts'
import { type CallAnswer, type ClientCall, refuse } from '../relay/client-call.ts'
import type { CallTrace } from '../traffic-tap.ts'
import type { MessageOwner, Question } from '../upstreams/message-owner.ts'
import { decodeHeaderValue, paramHeaderProblem } from '../upstreams/param-headers.ts'
import { taskOwnerOf } from '../upstreams/task-owners.ts'
import { editObject, memberText } from '../wire/json-text.ts'
import {
  changedUri,
  isJsonObject,
  type JsonObject,
  metaOf,
  type Notification,
  type Request,
  writeAnswer,
  writeNotification,
} from '../wire/message.ts'
import {
  type Caller,
  isLogLevel,
  metaKeys,
  modernRevision,
  nameFieldOf,
  removedMethods,
  rpcCodes,
} from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import type { ClientStream, ClientStreams } from './client-streams.ts'
import {
  type HttpExchange,
  headerOf,
  sendFault,
  sendJson,
  sendNotAcceptable,
  sendRefusal,
  takenBy,
} from './http-exchange.ts'

/** Streams of `subscriptions/listen` in one profile. */
const maxListening = 1_024

/** Serves a profile to 2026-07-28 clients: each request stands alone, there is no session. */
export function createModernEndpoint(options: { profile: Profile; streams: ClientStreams }) {
  const { profile, streams } = options
  const listening = new Set<Listening>()
  let count = 0

  /** One call, spoken to on its own answer. */
  class ModernCall implements ClientCall, MessageOwner {
    readonly era = 'modern'
    readonly request: Request
    readonly session = undefined
    readonly ownerId: string
    readonly trace: CallTrace | undefined
    readonly #exchange: HttpExchange
    readonly #meta: JsonObject
    #stream: ClientStream | undefined
    cancel: ClientCall['cancel'] = undefined

    constructor(request: Request, exchange: HttpExchange) {
      count += 1
      this.request = request
      this.ownerId = `call ${count}`
      this.#exchange = exchange
      this.#meta = metaOf(request.params) ?? {}
      const { clientInfo, principal } = this
      this.trace = profile.tap.request(request, {
        era: 'modern',
        clientInfo,
        principal,
        sessionId: undefined,
      })
      streams.whenSilent(exchange.outgoing, () => this.#open())
      exchange.outgoing.once('close', () => {
        if (exchange.outgoing.writableEnded) return
        // Whoever leaves does not want it any more (MCP 2026-07-28, Cancellation).
        this.trace?.ended('cancelled')
        this.cancel?.('the client has left')
      })
    }
    get owner(): MessageOwner {
      return this
    }
    get taskOwner(): string {
      return taskOwnerOf(profile.config.name, this.principal)
    }
    get principal(): string {
      return this.#exchange.principal
    }
    get clientInfo(): JsonObject {
      const info = this.#meta[metaKeys.clientInfo]
      return isJsonObject(info) ? info : {}
    }
    get capabilities(): JsonObject {
      return this.#meta[metaKeys.clientCapabilities] as JsonObject
    }
    get logLevel(): string {
      const level = this.#meta[metaKeys.logLevel]
      return typeof level === 'string' ? level : 'none'
    }
    get caller(): Caller {
      const { clientInfo } = this
      return {
        profile: profile.config.name,
        origin: this.#exchange.origin,
        protocolVersion: modernRevision,
        client: typeof clientInfo.name === 'string' ? (clientInfo as Caller['client']) : undefined,
      }
    }
    tell(method: string, params: string | undefined) {
      this.trace?.aside('server', method, params ?? '{}')
      this.#open()?.send(writeNotification(method, params))
    }
    /** Who takes JSON alone gets the answer, and nothing that is told before it. */
    #open(): ClientStream | undefined {
      if (!this.#stream && !takenBy(this.#exchange).stream) return undefined
      this.#stream ??= streams.open(this.#exchange.outgoing)
      return this.#stream
    }
    ask(question: Question): () => void {
      const message = 'a 2026-07-28 client is asked by "input_required" results'
      question.answer('error', errorText(new RpcError(rpcCodes.methodNotFound, message)))
      return () => {}
    }
    answer({ kind, body, status }: CallAnswer) {
      const text = writeAnswer(this.request.id, kind, body)
      if (this.#stream) {
        this.#stream.send(text)
        this.#stream.end()
      } else if (kind === 'result') sendJson(this.#exchange, text)
      else sendJson(this.#exchange, text, { status: status ?? statusOf(body) })
      this.trace?.ended(kind, body)
    }
    /** Answers with an error that HTTP has a status for. */
    refuse(status: number, refusal: Refusal) {
      sendRefusal(this.#exchange, status, { ...refusal, id: this.request.id })
      this.trace?.ended('error', JSON.stringify(refusal))
    }
    pause(): void {}
  }

  function serve(request: Request, exchange: HttpExchange) {
    const call = new ModernCall(request, exchange)
    const problem = headerProblem(request, exchange)
    if (problem) return call.refuse(400, problem)
    const { method } = request
    if (removedMethods.has(method)) {
      return call.refuse(404, { code: rpcCodes.methodNotFound, message: 'Method not found' })
    }
    if (method === 'server/discover') return discover(call)
    if (method === 'subscriptions/listen') return listen(call, exchange)
    const mismatch = paramMismatch(profile, request, exchange)
    if (mismatch !== undefined) {
      const message = `Bad Request: ${mismatch}`
      return call.refuse(400, { code: rpcCodes.headerMismatch, message })
    }
    profile.handle(call)
  }

  function discover(call: ModernCall) {
    const answer = () => {
      const { capabilities, serverInfo, instructions, others } = profile.identity('modern')
      const result = {
        resultType: 'complete',
        ttlMs: 0,
        cacheScope: 'private',
        ...others,
        supportedVersions: [modernRevision],
        capabilities,
        ...(instructions !== undefined && { instructions }),
        _meta: { ...metaOf(others), [metaKeys.serverInfo]: serverInfo },
      }
      call.answer({ kind: 'result', body: JSON.stringify(result) })
    }
    profile
      .seen()
      .then(answer)
      .catch((error: unknown) => refuse(call, error))
  }

  function listen(call: ModernCall, exchange: HttpExchange) {
    const { id, params } = call.request
    const wanted = params?.notifications
    if (!takenBy(exchange).stream) {
      return sendNotAcceptable(exchange, 'what was asked for is a stream')
    }
    if (!isJsonObject(wanted)) {
      const message = "Invalid params: 'notifications' is required and must be an object"
      return refuse(call, new RpcError(rpcCodes.invalidParams, message))
    }
    if (listening.size >= maxListening) {
      const message = `this profile serves ${maxListening} such streams already`
      return refuse(call, new RpcError(rpcCodes.invalidRequest, message))
    }
    const open = () => {
      const honored = honoredPart(wanted, profile.identity('modern').capabilities)
      const stops: (() => void)[] = []
      const stream = streams.open(exchange.outgoing, {
        onEnd() {
          listening.delete(entry)
          for (const stop of stops) stop()
        },
      })
      const uris = new Set(honored.resourceSubscriptions)
      const entry: Listening = { id, stream, honored, uris, trace: call.trace }
      stream.send(
        writeNotification(
          'notifications/subscriptions/acknowledged',
          JSON.stringify({ notifications: honored, _meta: { [metaKeys.subscriptionId]: id } }),
        ),
      )
      if (Object.keys(honored).length === 0) return endListening(entry)
      listening.add(entry)
      for (const uri of entry.uris) void follow(uri, entry, stops)
    }
    profile
      .seen()
      .then(open)
      .catch((error: unknown) => sendFault(exchange, id, error))
  }

  async function follow(uri: string, { stream }: Listening, stops: (() => void)[]): Promise<void> {
    const found = profile.ownerOfUri(uri)
    const stop = await found?.upstream.subscribe(found.uri, undefined).catch(() => {
      // The stream is still good for whatever else it asks for.
      return undefined
    })
    if (!stop) return
    if (stream.isOpen) stops.push(stop)
    else stop()
  }

  /** The graceful end of a subscription is its answer. */
  function endListening({ id, stream, trace }: Listening): void {
    const { serverInfo } = profile.identity('modern')
    const _meta = { [metaKeys.subscriptionId]: id, [metaKeys.serverInfo]: serverInfo }
    const result = JSON.stringify({ resultType: 'complete', _meta })
    stream.send(writeAnswer(id, 'result', result))
    stream.end()
    trace?.ended('result', result)
  }

  return {
    serve,
    /** Tells whoever listens that a list or a resource of a server has changed. */
    changed(server: string, notification: Notification, text: string | undefined): void {
      const { method } = notification
      const isResource = method === 'notifications/resources/updated'
      const names = isResource ? profile.namesOfUri(server, changedUri(notification)) : []
      for (const { id, stream, honored, uris, trace } of listening) {
        const name = names.find((one) => uris.has(one))
        if (isResource ? name === undefined : honored[filterOf(method)] !== true) continue
        const said = text ?? '{}'
        const about = editObject(said, {
          _meta: editObject(memberText(said, '_meta') ?? '{}', {
            [metaKeys.subscriptionId]: JSON.stringify(id),
          }),
          ...(name !== undefined && { uri: JSON.stringify(name) }),
        })
        stream.send(writeNotification(method, about))
        trace?.aside('server', method, about)
      }
    },
    close(): void {
      for (const entry of [...listening]) endListening(entry)
    },
  }
}

interface Listening {
  readonly id: string | number
  readonly stream: ClientStream
  readonly honored: Filter
  readonly uris: ReadonlySet<string>
  readonly trace: CallTrace | undefined
}

interface Filter {
  toolsListChanged?: boolean
  promptsListChanged?: boolean
  resourcesListChanged?: boolean
  resourceSubscriptions?: string[]
}

/** `notifications/tools/list_changed` is asked for as `toolsListChanged`. */
function filterOf(method: string): keyof Filter {
  return `${method.split('/')[1] ?? ''}ListChanged` as keyof Filter
}

/** What of a filter the profile can deliver, by what it announces. */
function honoredPart(wanted: JsonObject, capabilities: JsonObject): Filter {
  const can = (list: string, what: string) =>
    (capabilities[list] as JsonObject | undefined)?.[what] === true
  const changes = (['tools', 'prompts', 'resources'] as const).filter(
    (list) => wanted[`${list}ListChanged`] === true && can(list, 'listChanged'),
  )
  const uris = Array.isArray(wanted.resourceSubscriptions) ? wanted.resourceSubscriptions : []
  const followed = uris.filter((uri) => typeof uri === 'string')
  return {
    ...Object.fromEntries(changes.map((list) => [`${list}ListChanged`, true])),
    ...(followed.length > 0 &&
      can('resources', 'subscribe') && { resourceSubscriptions: followed }),
  }
}

/** What HTTP says beside an error (MCP 2026-07-28, Error Codes). */
function statusOf(body: string): number {
  const { code } = JSON.parse(body) as { code?: unknown }
  if (code === rpcCodes.methodNotFound) return 404
  return code === rpcCodes.missingClientCapability ? 400 : 200
}

interface Refusal {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/**
 * What is wrong with the envelope of a request, or with the headers that repeat its body (MCP 2026-07-28,
 * Standard Headers; SEP-2243). The first finding counts, in the order of the specification.
 */
function headerProblem(request: Request, exchange: HttpExchange): Refusal | undefined {
  const meta = metaOf(request.params) ?? {}
  const version = meta[metaKeys.protocolVersion]
  const header = headerOf(exchange, 'mcp-protocol-version')?.trim()
  const envelope = envelopeProblem(meta)
  if (envelope) return envelope
  if (header !== undefined && header !== version) {
    return mismatch(header, `the body envelope names protocol version ${version}`)
  }
  const method = headerOf(exchange, 'mcp-method')?.trim()
  if (method !== undefined && method !== request.method) {
    return mismatch(method, `the body names method ${request.method}`)
  }
  if (version !== modernRevision) {
    return {
      code: rpcCodes.unsupportedProtocolVersion,
      message: `Unsupported protocol version: ${version}`,
      data: { supported: [modernRevision], requested: version },
    }
  }
  if (header === undefined) return mismatch('(missing)', 'MCP-Protocol-Version is required')
  if (method === undefined) return mismatch('(missing)', 'Mcp-Method is required')
  return nameProblem(request, headerOf(exchange, 'mcp-name')?.trim())
}

function nameProblem({ method, params }: Request, header: string | undefined): Refusal | undefined {
  const field = nameFieldOf(method)
  const value = field && params?.[field]
  if (field === undefined || typeof value !== 'string') return undefined
  if (header === undefined) {
    return mismatch('(missing)', `the body carries params.${field}, so Mcp-Name is required`)
  }
  const named = decodeHeaderValue(header)
  if (named === undefined) return mismatch(header, 'Mcp-Name is not valid base64')
  return named === value ? undefined : mismatch(header, `the body carries another params.${field}`)
}

function mismatch(header: string, body: string): Refusal {
  return {
    code: rpcCodes.headerMismatch,
    message: `Bad Request: the request headers and body disagree: ${body}`,
    data: { mismatch: { header, body } },
  }
}

/** The keys that every request of 2026-07-28 carries, and what they must be. */
function envelopeProblem(meta: JsonObject): Refusal | undefined {
  const checks: [string, boolean][] = [
    [metaKeys.protocolVersion, typeof meta[metaKeys.protocolVersion] === 'string'],
    [metaKeys.clientCapabilities, isJsonObject(meta[metaKeys.clientCapabilities])],
    [metaKeys.clientInfo, isOptional(meta[metaKeys.clientInfo], isJsonObject)],
    [metaKeys.logLevel, isOptional(meta[metaKeys.logLevel], isLogLevel)],
  ]
  const [key] = checks.find(([, isRight]) => !isRight) ?? []
  if (key === undefined) return undefined
  const problem = meta[key] === undefined ? 'missing' : 'not of the expected kind'
  return {
    code: rpcCodes.invalidParams,
    message: `Invalid _meta envelope for protocol revision ${modernRevision}: ${key}: ${problem}`,
    data: { envelope: { key, problem } },
  }
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value)
}

/** SEP-2243: a `tools/call` whose `Mcp-Param-*` headers contradict its arguments is refused. */
function paramMismatch(profile: Profile, request: Request, { incoming }: HttpExchange) {
  const { method, params } = request
  if (method !== 'tools/call' || typeof params?.name !== 'string') return undefined
  const tool = profile.view().tool(params.name)?.item
  return paramHeaderProblem(tool, params.arguments, incoming.headers)
}
