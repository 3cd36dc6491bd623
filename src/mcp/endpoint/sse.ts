import { randomUUID } from 'node:crypto'
import type { Logger } from '../../lib/logger.ts'
import type { Profile } from '../profile.ts'
import { type Message, readMessage, writeAnswer } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { errorText } from '../wire/rpc-error.ts'
import type { ClientStreams } from './client-streams.ts'
import { type HttpExchange, sendEmpty, sendRefusal } from './http-exchange.ts'
import { type Outlet, outletOf } from './outlet.ts'
import { createSession, type Session } from './session.ts'
import { initializeResult, termsOf } from './session-terms.ts'

const maxSessions = 1_000

interface Entry {
  readonly outlet: Outlet
  readonly principal: string
  readonly end: () => void
  session: Session | undefined
}

/** Sessions of the deprecated HTTP+SSE transport (MCP 2024-11-05): one stream, which is the session. */
export function createSseSessions(options: {
  profile: Profile
  streams: ClientStreams
  logger: Logger
}) {
  const { profile, streams, logger } = options
  const entries = new Map<string, Entry>()

  async function initialize(id: string, entry: Entry, exchange: HttpExchange, message: Message) {
    if (message.kind !== 'request' || message.method !== 'initialize') return
    try {
      const terms = termsOf(message, exchange.principal)
      const trace = profile.tap.request(message, { era: 'legacy', ...terms, sessionId: id })
      await profile.seen()
      // Its stream has ended, or another `initialize` was first.
      if (entries.get(id) !== entry || entry.session) return
      const result = initializeResult(profile, terms.protocolVersion)
      const { outlet } = entry
      entry.session = createSession({ id, profile, terms, outlet, logger, onState: () => {} })
      outlet.answer(writeAnswer(message.id, 'result', result))
      trace?.ended('result', result)
    } catch (error) {
      entry.outlet.answer(writeAnswer(message.id, 'error', errorText(error)))
    }
  }

  return {
    /** Answers `GET …/sse` with a stream whose first event names `messagesPath` and the session. */
    open(exchange: HttpExchange, messagesPath: string) {
      if (entries.size >= maxSessions) {
        return sendRefusal(exchange, 503, {
          code: rpcCodes.upstreamUnavailable,
          message: 'Too many SSE sessions are open.',
          headers: { 'retry-after': '60' },
        })
      }
      const id = randomUUID()
      const stream = streams.open(exchange.outgoing, {
        onEnd() {
          entries.get(id)?.session?.close()
          entries.delete(id)
        },
      })
      const outlet = outletOf(stream)
      const { principal } = exchange
      entries.set(id, { outlet, principal, end: stream.end, session: undefined })
      stream.send(`${messagesPath}?sessionId=${id}`, { event: 'endpoint' })
    },
    /** Answers `POST …/messages?sessionId=…`. */
    receive(exchange: HttpExchange, id: string) {
      const entry = entries.get(id)
      if (entry?.principal !== exchange.principal) {
        return sendRefusal(exchange, 404, {
          code: rpcCodes.sessionNotFound,
          message: 'Session not found',
        })
      }
      const message = exchange.body && readMessage(exchange.body.text, exchange.body.value)
      if (!message) {
        return sendRefusal(exchange, 400, {
          code: rpcCodes.invalidRequest,
          message: 'Bad Request: the request body is not a valid JSON-RPC message',
        })
      }
      sendEmpty(exchange, 202)
      const { session, outlet } = entry
      if (session) session.receive(message, { outlet, origin: exchange.origin })
      else void initialize(id, entry, exchange, message)
    },
    *[Symbol.iterator](): Iterator<Session> {
      for (const { session } of entries.values()) if (session) yield session
    },
    close(): void {
      for (const { end } of [...entries.values()]) end()
    },
  }
}
