import type { Answer } from '../wire/message.ts'
import type { MessageOwner } from './message-owner.ts'
import type { UpstreamFailure } from './transport.ts'

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
