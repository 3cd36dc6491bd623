import type { CallTrace } from '../traffic-tap.ts'
import type { ClientSession } from '../upstreams/links.ts'
import type { MessageOwner } from '../upstreams/message-owner.ts'
import type { Edits } from '../wire/json-text.ts'
import type { JsonObject, Request } from '../wire/message.ts'
import type { Caller, Era } from '../wire/protocol.ts'
import { errorText } from '../wire/rpc-error.ts'

/** One request of a client, on its way. Exactly one answer is given, unless it was cancelled. */
export interface ClientCall {
  readonly era: Era
  readonly request: Request
  /** Its client, spoken to on the stream of this call. */
  readonly owner: MessageOwner
  /** The 2025 MCP session it belongs to. */
  readonly session: ClientSession | undefined
  readonly clientInfo: JsonObject
  readonly caller: Caller
  /** Whoever was let in with it: what one caller left open, no other goes on with. */
  readonly principal: string
  /** Told of it, while somebody watches. */
  readonly trace: CallTrace | undefined
  answer(answer: CallAnswer): void
  /** The server ends the stream for a while, and so do we (2025-11-25, polling). */
  pause(retryMs: number): void
  /** Set while somebody works on it: tells them that the client does not want it any more. */
  cancel: ((reason: string) => void) | undefined
}

export interface CallAnswer {
  readonly kind: 'result' | 'error'
  /** The text of the result, or of the error. */
  readonly body: string
  /** What HTTP says beside an error, where a server said so. */
  readonly status?: number | undefined
}

/** What one attempt adds to the params of a call. */
export interface Attempt {
  readonly edits?: Edits
  readonly owner?: ClientCall['owner']
  onAnswer(answer: CallAnswer, value: unknown): void
}

/** Answers with a failure of ours, or with one that a server gave. */
export function refuse(call: ClientCall, error: unknown): void {
  call.answer({ kind: 'error', body: errorText(error) })
}
