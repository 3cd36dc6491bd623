/** What the HTTP side knows of a request beyond the request itself. */
export interface RequestContext {
  /** The origin it came in through, decided by the listener, such as `https://localhost:3443`. */
  readonly origin: string
  /** Who calls; an MCP session answers nobody but the one who opened it. */
  readonly caller: string
  /** The JSON body, already parsed; undefined for GET and DELETE. */
  readonly body: unknown
}

/**
 * Carries the context of a request past the SDK, which hands handlers the very `Request` it was
 * given and nothing else of ours.
 */
export function createRequestContexts() {
  const contexts = new WeakMap<Request, RequestContext>()
  return {
    remember(request: Request, context: RequestContext): void {
      contexts.set(request, context)
    },
    of: (request: Request | undefined) => (request ? contexts.get(request) : undefined),
  }
}

export type RequestContexts = ReturnType<typeof createRequestContexts>
