import type { MessageOwner } from '../upstreams/link.ts'
import type { Caller, Era, JsonObject, WireNotification, WireRequest } from '../wire-types.ts'

/** One request of a client, without the wire material of its era. */
export interface DownstreamCall {
  readonly era: Era
  readonly request: WireRequest
  readonly caller: Caller
  /** Who calls, as the access check knows them; no upstream hears of it. */
  readonly principal: string
  /** What the client declared: at `initialize`, or with this very request (2026-07-28). */
  readonly capabilities: JsonObject
  readonly logLevel: string | undefined
  /** Aborted when the client cancels or leaves. */
  readonly signal: AbortSignal
  /** The 2025 MCP session the call belongs to. */
  readonly session: DownstreamSession | undefined
  /** Answers to an earlier `input_required` result, and the state it came with (2026-07-28). */
  readonly inputResponses: Readonly<Record<string, unknown>> | undefined
  readonly requestState: string | undefined
  /** Sends a notification on the stream of this call. */
  notify(notification: WireNotification): void
  /** Puts a request to the client on the stream of this call (2025 only). */
  readonly ask: MessageOwner['ask'] | undefined
}

/** A 2025 MCP session. Its `notify` and `ask` use the stream that belongs to no call. */
export interface DownstreamSession extends MessageOwner {
  logLevel: string | undefined
}
