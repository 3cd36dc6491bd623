import { type Id, type Message, type Request, readBatch, readMessage } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import {
  type HttpExchange,
  sendEmpty,
  sendJson,
  sendNotAcceptable,
  sendRefusal,
  takenBy,
} from './http-exchange.ts'
import type { Outlet } from './outlet.ts'
import type { ResumableStreams } from './resumable-streams.ts'
import type { SessionTerms } from './session-terms.ts'

/** The messages of a POST; a refusal is sent, and undefined returned, when they cannot be read. */
export function readPosted(exchange: HttpExchange, terms: SessionTerms): Message[] | undefined {
  const { text, value } = exchange.body ?? { text: '', value: undefined }
  const refuse = (message: string) =>
    void sendRefusal(exchange, 400, { code: rpcCodes.invalidRequest, message })
  if (!Array.isArray(value)) {
    const message = readMessage(text, value)
    if (message) return [message]
    refuse('Bad Request: the request body is not a valid JSON-RPC message')
    return undefined
  }
  if (terms.protocolVersion !== '2025-03-26') {
    refuse(`Bad Request: revision ${terms.protocolVersion} has no JSON-RPC batches`)
    return undefined
  }
  const batch = value.length > 0 ? readBatch(text, value) : undefined
  if (!batch) refuse('Bad Request: the JSON-RPC batch is empty, or contains an invalid message')
  return batch
}

/**
 * The answer to one POST: JSON where there is nothing to say but the answer, else a stream. What a client
 * that takes no streams is to be told meanwhile goes to the stream of its session.
 */
export class PostOutlet implements Outlet {
  readonly #streams: ResumableStreams
  readonly #exchange: HttpExchange
  readonly #takesStream: boolean
  readonly #isBatch: boolean
  readonly #answers: string[] = []
  /** Of a batch none: what is lost of it is not told for each. */
  readonly #onlyRequest: Id | undefined
  #left: number
  #stream: ReturnType<ResumableStreams['open']> | undefined

  constructor(streams: ResumableStreams, exchange: HttpExchange, requests: readonly Request[]) {
    this.#streams = streams
    this.#exchange = exchange
    this.#takesStream = takenBy(exchange).stream
    this.#left = requests.length
    this.#onlyRequest = requests.length === 1 ? requests[0]?.id : undefined
    this.#isBatch = Array.isArray(exchange.body?.value)
    if (this.#left > 0 && this.#takesStream) {
      streams.whenSilent(exchange.outgoing, () => this.#open())
    }
  }

  deliver(text: string): void {
    if (this.#takesStream) this.#open().send(text)
    else this.#streams.own.send(text)
  }

  ask(text: string): boolean {
    if (this.#takesStream) this.#open().send(text)
    else sendNotAcceptable(this.#exchange, 'the server asked something back, which takes a stream')
    return this.#takesStream
  }

  answer(text: string): void {
    this.#left -= 1
    if (this.#stream) {
      if (this.#left > 0) this.#stream.send(text)
      else this.#stream.end(text)
      return
    }
    this.#answers.push(text)
    if (this.#left <= 0) this.#sendAnswers()
  }

  drop(): void {
    this.#left -= 1
    if (this.#left > 0) return
    if (this.#stream) this.#stream.end()
    else if (this.#answers.length > 0) this.#sendAnswers()
    // Nothing is answered (MCP 2025-11-25, Cancellation): the stream ends empty.
    else if (this.#takesStream) this.#open().end()
    else sendEmpty(this.#exchange, 202)
  }

  pause(retryMs: number): void {
    if (this.#takesStream) this.#open().pause(retryMs)
  }

  #sendAnswers(): void {
    const [first = ''] = this.#answers
    sendJson(this.#exchange, this.#isBatch ? `[${this.#answers.join(',')}]` : first)
  }

  #open() {
    if (this.#stream) return this.#stream
    this.#stream = this.#streams.open(this.#exchange.outgoing, this.#onlyRequest)
    for (const answer of this.#answers.splice(0)) this.#stream.send(answer)
    return this.#stream
  }
}
