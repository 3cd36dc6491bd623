import type { IncomingMessage, ServerResponse } from 'node:http'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server'
import type { LegacySession, OpenSession } from './legacy-session.ts'
import type { RequestContext } from './request-context.ts'

/** Under the shortest idle limit of any proxy in front of us, ms. */
const keepAliveMs = 15_000
const maxSessions = 1_000

/**
 * Sessions of the deprecated HTTP+SSE transport (MCP 2024-11-05), served by the v1 SDK, which is
 * the only one that still has it. Its JSON-RPC messages are all that crosses over to v2.
 */
export interface SseSessions {
  /** Answers `GET …/sse` with a stream whose first event names `messagesPath` and the session. */
  open(
    response: ServerResponse,
    messagesPath: string,
    context: Omit<RequestContext, 'body'>,
  ): Promise<void>
  /**
   * Answers `POST …/messages?sessionId=…`.
   * @returns false when the caller has no such session
   */
  receive(
    sessionId: string,
    exchange: { incoming: IncomingMessage; outgoing: ServerResponse },
    context: Omit<RequestContext, 'origin'>,
  ): Promise<boolean>
  close(): Promise<void>
}

interface Entry {
  readonly transport: SSEServerTransport
  readonly session: LegacySession
  readonly caller: string
}

export function createSseSessions(options: { open: OpenSession }): SseSessions {
  const entries = new Map<string, Entry>()
  return {
    async open(response, messagesPath, opener) {
      if (entries.size >= maxSessions) {
        response.writeHead(503, { 'retry-after': '60' }).end('Too many SSE sessions are open.')
        return
      }
      const transport = new SSEServerTransport(messagesPath, response)
      const id = transport.sessionId
      let heartbeat: NodeJS.Timeout | undefined
      const session = await options.open(id, asV2Transport(transport), opener, () => {
        clearInterval(heartbeat)
        entries.delete(id)
      })
      heartbeat = setInterval(() => response.write(': keepalive\n\n'), keepAliveMs).unref()
      entries.set(id, { transport, session, caller: opener.caller })
    },
    async receive(sessionId, { incoming, outgoing }, { caller, body }) {
      const entry = entries.get(sessionId)
      if (entry?.caller !== caller) return false
      await entry.transport.handlePostMessage(incoming, outgoing, body)
      return true
    },
    async close() {
      await Promise.all([...entries.values()].map(({ session }) => session.close()))
    },
  }
}

function asV2Transport(inner: SSEServerTransport): Transport {
  const outer: Transport = {
    sessionId: inner.sessionId,
    start: () => inner.start(),
    send: (message) => inner.send(message as never),
    close: () => inner.close(),
  }
  inner.onmessage = (message) => outer.onmessage?.(message as JSONRPCMessage)
  inner.onerror = (error) => outer.onerror?.(error)
  inner.onclose = () => outer.onclose?.()
  return outer
}
