/** How a program talks to a model: one file for each interface that a vendor offers. */
export interface Dialect {
  /** The path of a request, without its query. */
  readonly path: string
  /** Whether a request there is of this kind; every one is, unless given. */
  speaks?(body: never): boolean
  /** @param body the parsed request */
  read(body: never): ModelRequest
  /** Undefined when it cannot stream, which its programs do not ask for. */
  stream?(turn: Turn): readonly ServerSentEvent[]
  /** The same as one JSON document. */
  write(turn: Turn, body: never): object
}

export interface ModelRequest {
  readonly stream?: boolean | undefined
  /** Names of the tools that are offered. */
  readonly tools: readonly string[]
  /** What a tool answered, as it came; undefined when there is no result, or it is an error. */
  readonly result: string | undefined
  /** Whether a tool was called, well or not. */
  readonly called: boolean
}

/** What the model says: a text, or that it wants a tool. */
export type Turn = { text: string } | { tool: string; input: object }

export interface ServerSentEvent {
  readonly type: string
  readonly data: object
}
