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

/** All of it on one stream. */
export function outletOf(stream: { send(text: string): void }): Outlet {
  const send = (text: string) => stream.send(text)
  const ask = (text: string) => {
    send(text)
    return true
  }
  return { deliver: send, ask, answer: send, drop: () => {}, pause: () => {} }
}
