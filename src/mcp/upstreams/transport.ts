import type { Answer } from '../wire/message.ts'
import type { Era } from '../wire/protocol.ts'

/** A request on its way to a server, as text that is ready to be sent. */
export interface OutgoingRequest {
  readonly id: number
  readonly text: string
  readonly method: string
  /** What `Mcp-Name` repeats (2026-07-28). */
  readonly name: string | undefined
  /** Further headers, where the transport has such. */
  readonly headers: Readonly<Record<string, string>> | undefined
}

/** How messages get to one server and come back, whatever carries them. Text in, text out. */
export interface Transport {
  /** Resolves when it can send. @throws Error whose message is a sentence fragment about the server */
  open(): Promise<void>
  /** Sends a request. The returned function takes it back, and what it held is free at once. */
  send(request: OutgoingRequest): () => void
  /** Sends a notification, or an answer to a request of the server's. @throws when it cannot */
  post(text: string, options?: { method: string }): Promise<void>
  /** Called once the handshake is over: what it agreed on goes into headers from now on. */
  opened?(agreed: { era: Era; protocolVersion: string }): void
  /** Frees everything; resolves when nothing is left. Safe to call twice. */
  close(): Promise<void>
}

/** Who is told what a transport receives. */
export interface TransportListener {
  /**
   * One message, in the order it was written.
   * @param about the request on whose own stream it came, where that can be told, and the HTTP status
   */
  onText(text: string, about?: { id: number; status: number }): void
  /** The same of an answer that the transport had to read itself. */
  onAnswer(answer: Answer, about: { id: number; status: number }): void
  /** No answer will come to this request. */
  onFailure(id: number, failure: UpstreamFailure): void
  /** The server asks to be left alone for a while on the stream of this request (SSE `retry`). */
  onPause?(id: number, retryMs: number): void
  /** The connection is gone, and why. Called once. */
  onClosed(reason: string): void
}

/**
 * Why a request has no answer. `unseen`: the server never took it, so it may be sent again. `lost`: it
 * may have begun. `refused`: the server, or what stands before it, said so over HTTP. `timeout`: the
 * time limit is over. `cancelled`: its client does not want it any more.
 */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
  readonly kind: 'unseen' | 'lost' | 'refused' | 'timeout' | 'cancelled'

  constructor(kind: UpstreamFailure['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }
}
