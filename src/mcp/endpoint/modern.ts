import type { Profile } from '../profile.ts'
import { type CallAnswer, type ClientCall, refuse } from '../relay/client-call.ts'
import type { CallTrace } from '../traffic-tap.ts'
import type { MessageOwner, Question } from '../upstreams/message-owner.ts'
import { taskOwnerOf } from '../upstreams/task-owners.ts'
import {
  isJsonObject,
  type JsonObject,
  metaOf,
  type Request,
  writeAnswer,
  writeNotification,
} from '../wire/message.ts'
import {
  type Caller,
  metaKeys,
  modernRevision,
  removedMethods,
  rpcCodes,
} from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import type { ClientStream, ClientStreams } from './client-streams.ts'
import { type HttpExchange, sendJson, sendRefusal, takenBy } from './http-exchange.ts'
import { createListening } from './listening.ts'
import { headerProblem, paramMismatch, type Refusal } from './modern-headers.ts'

/** Serves a profile to 2026-07-28 clients: each request stands alone, there is no session. */
export function createModernEndpoint(options: { profile: Profile; streams: ClientStreams }) {
  const { profile, streams } = options
  const listening = createListening(options)
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
    if (method === 'subscriptions/listen') return listening.open(call, exchange)
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

  return {
    serve,
    changed: listening.changed,
    close: listening.close,
  }
}

/** What HTTP says beside an error (MCP 2026-07-28, Error Codes). */
function statusOf(body: string): number {
  const { code } = JSON.parse(body) as { code?: unknown }
  if (code === rpcCodes.methodNotFound) return 404
  return code === rpcCodes.missingClientCapability ? 400 : 200
}
