import {
  isInitializeRequest,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import { rpcCodes } from '../mcp-error.ts'
import type { LegacySession, OpenSession } from './legacy-session.ts'
import type { RequestContext } from './request-context.ts'

/** A session without a request or an open stream for so long is closed, ms. */
const idleSessionMs = 60 * 60_000
const maxSessions = 1_000

/** 2025 MCP sessions over streamable HTTP, found by their `Mcp-Session-Id`. */
export interface StreamableSessions {
  handle(request: Request, context: RequestContext): Promise<Response>
  close(): Promise<void>
}

interface Entry {
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly session: LegacySession
  readonly caller: string
  lastSeen: number
  openStreams: number
}

export function createStreamableSessions(options: {
  open: OpenSession
  now: () => number
}): StreamableSessions {
  const { now } = options
  const entries = new Map<string, Entry>()
  const sweeper = setInterval(closeIdle, 60_000)
  sweeper.unref()

  function closeIdle(): void {
    for (const entry of entries.values()) {
      const idle = entry.openStreams === 0 && now() - entry.lastSeen > idleSessionMs
      if (idle) void entry.session.close()
    }
  }

  async function create(context: RequestContext): Promise<Entry> {
    const id = crypto.randomUUID()
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => id })
    const session = await options.open(id, transport, context, () => entries.delete(id))
    const { caller } = context
    const entry: Entry = { transport, session, caller, lastSeen: now(), openStreams: 0 }
    entries.set(id, entry)
    return entry
  }

  async function serve(entry: Entry, request: Request, body: unknown): Promise<Response> {
    entry.lastSeen = now()
    if (request.method === 'GET') {
      entry.openStreams += 1
      request.signal.addEventListener(
        'abort',
        () => {
          entry.openStreams -= 1
          entry.lastSeen = now()
        },
        { once: true },
      )
    }
    return entry.transport.handleRequest(request, body === undefined ? {} : { parsedBody: body })
  }

  return {
    async handle(request, context) {
      const { body } = context
      const id = request.headers.get('mcp-session-id')
      if (id !== null) {
        const entry = entries.get(id)
        // 404 makes a client start over with `initialize`, as after a restart of ours.
        if (entry?.caller !== context.caller)
          return rpcErrorResponse(404, 'Session not found', { code: rpcCodes.sessionNotFound })
        return serve(entry, request, body)
      }
      if (!isInitializeRequest(body)) {
        return rpcErrorResponse(
          400,
          'Bad Request: no Mcp-Session-Id header, and the request is not "initialize"',
          { code: rpcCodes.invalidRequest },
        )
      }
      if (entries.size >= maxSessions) {
        return rpcErrorResponse(503, `More than ${maxSessions} MCP sessions are open.`, {
          headers: { 'retry-after': '60' },
        })
      }
      const entry = await create(context)
      const response = await serve(entry, request, body)
      if (!response.ok) await entry.session.close()
      return response
    },
    async close() {
      clearInterval(sweeper)
      await Promise.all([...entries.values()].map(({ session }) => session.close()))
    },
  }
}
