import type { Logger } from '../../lib/logger.ts'
import type { Profile } from '../profile.ts'
import { type Request, readMessage, writeAnswer } from '../wire/message.ts'
import { legacyRevisions, rpcCodes } from '../wire/protocol.ts'
import type { ClientStreams } from './client-streams.ts'
import {
  type HttpExchange,
  headerOf,
  sendEmpty,
  sendFault,
  sendJson,
  sendNotAcceptable,
  sendRefusal,
  takenBy,
} from './http-exchange.ts'
import { outletOf } from './outlet.ts'
import { PostOutlet, readPosted } from './post.ts'
import { createResumableStreams, type ResumableStreams } from './resumable-streams.ts'
import { createSession, type Session } from './session.ts'
import type { SessionRecords } from './session-records.ts'
import { initializeResult, type SessionTerms, termsOf } from './session-terms.ts'

/** A session without a request or an open stream for so long is let go, ms. */
const idleSessionMs = 60 * 60_000
const mostSessions = 10_000

interface Entry {
  readonly session: Session
  readonly streams: ResumableStreams
  lastSeen: number
  openStreams: number
}

/** 2025 MCP sessions over streamable HTTP, found by their `Mcp-Session-Id`. */
export function createStreamableSessions(options: {
  profile: Profile
  records: SessionRecords
  streams: ClientStreams
  logger: Logger
  now: () => number
  maxSessions?: number
}) {
  const { profile, records, now, maxSessions = mostSessions } = options
  /** In the order of their last use. */
  const entries = new Map<string, Entry>()
  const sweeper = setInterval(closeIdle, 60_000)
  sweeper.unref()

  function closeIdle() {
    for (const [id, entry] of entries) {
      if (entry.openStreams === 0 && now() - entry.lastSeen > idleSessionMs) letGo(id, entry)
    }
  }

  /** Frees what a session holds here. Its id is still good: it can be taken up again. */
  function letGo(id: string, { session, streams }: Entry) {
    entries.delete(id)
    streams.close()
    session.close()
  }

  function makeRoom() {
    if (entries.size < maxSessions) return
    for (const [id, entry] of entries) {
      if (entry.openStreams > 0) continue
      return letGo(id, entry)
    }
  }

  /** Such as a disk that is full: the session goes on without. */
  function notSaved(error: Error): void {
    options.logger.error('what a session asked for could not be saved', { reason: error.message })
  }

  function open(id: string, terms: SessionTerms): Entry {
    makeRoom()
    const streams = createResumableStreams({
      streams: options.streams,
      sessionId: id,
      primes: terms.protocolVersion >= '2025-11-25',
    })
    const session = createSession({
      id,
      profile,
      terms,
      outlet: outletOf(streams.own),
      logger: options.logger,
      onState: (state) => void records.saveState(id, state).catch(notSaved),
    })
    const entry: Entry = { session, streams, lastSeen: now(), openStreams: 0 }
    entries.set(id, entry)
    return entry
  }

  /** The session of a request, also one of an earlier run; undefined when it is not the caller's. */
  async function find(id: string, principal: string): Promise<Entry | undefined> {
    const entry = entries.get(id)
    if (entry) return entry.session.terms.principal === principal ? entry : undefined
    const found = await records.recall(id)
    if (found?.terms.principal !== principal) return undefined
    const again = entries.get(id)
    if (again) return again
    const opened = open(id, found.terms)
    opened.session.restore(found.state)
    return opened
  }

  function touch(id: string, entry: Entry) {
    entry.lastSeen = now()
    entries.delete(id)
    entries.set(id, entry)
  }

  function handle(exchange: HttpExchange) {
    const id = headerOf(exchange, 'mcp-session-id')
    const entry = id === undefined ? undefined : entries.get(id)
    // The common case, without a promise.
    if (entry && entry.session.terms.principal === exchange.principal) {
      return serve(id as string, entry, exchange)
    }
    if (id === undefined) return void initialize(exchange)
    find(id, exchange.principal)
      .then((found) => (found ? serve(id, found, exchange) : notFound(exchange)))
      .catch((error: Error) => {
        options.logger.error('a session could not be taken up', { reason: error.message })
        sendRefusal(exchange, 500, { code: rpcCodes.internalError, message: 'Internal error' })
      })
  }

  async function initialize(exchange: HttpExchange): Promise<void> {
    const { body } = exchange
    const message = body && readMessage(body.text, body.value)
    if (message?.kind !== 'request' || message.method !== 'initialize') {
      return sendRefusal(exchange, 400, {
        code: rpcCodes.invalidRequest,
        message: 'Bad Request: no Mcp-Session-Id header, and the request is not "initialize"',
      })
    }
    try {
      const terms = termsOf(message, exchange.principal)
      const id = records.issue(terms)
      const trace = profile.tap.request(message, { era: 'legacy', ...terms, sessionId: id })
      await profile.seen()
      const result = initializeResult(profile, terms.protocolVersion)
      open(id, terms)
      sendJson(exchange, writeAnswer(message.id, 'result', result), {
        headers: { 'mcp-session-id': id },
      })
      trace?.ended('result', result)
    } catch (error) {
      sendFault(exchange, message.id, error)
    }
  }

  function serve(id: string, entry: Entry, exchange: HttpExchange) {
    touch(id, entry)
    const version = headerOf(exchange, 'mcp-protocol-version')
    if (version !== undefined && !(legacyRevisions as readonly string[]).includes(version)) {
      return sendRefusal(exchange, 400, {
        code: rpcCodes.invalidRequest,
        message: `Bad Request: Unsupported protocol version (supported versions: ${legacyRevisions.join(', ')})`,
      })
    }
    switch (exchange.incoming.method) {
      case 'POST':
        return post(entry, exchange)
      case 'GET':
        return listen(entry, exchange)
      default:
        records.end(id).catch(notSaved)
        letGo(id, entry)
        return sendEmpty(exchange, 200)
    }
  }

  function listen(entry: Entry, exchange: HttpExchange) {
    const { outgoing } = exchange
    if (!takenBy(exchange).stream) return sendNotAcceptable(exchange, 'this is an event stream')
    const lastEventId = headerOf(exchange, 'last-event-id')
    entry.openStreams += 1
    outgoing.once('close', () => {
      entry.openStreams -= 1
      entry.lastSeen = now()
    })
    if (lastEventId === undefined) entry.streams.own.resume(outgoing)
    else if (!entry.streams.resume(outgoing, lastEventId)) {
      const message = 'Bad Request: Last-Event-ID is none of this session'
      sendRefusal(exchange, 400, { code: rpcCodes.invalidRequest, message })
    }
  }

  function post(entry: Entry, exchange: HttpExchange) {
    const messages = readPosted(exchange, entry.session.terms)
    if (!messages) return
    const requests = messages.filter((one): one is Request => one.kind === 'request')
    const outlet = new PostOutlet(entry.streams, exchange, requests)
    const from = { outlet, origin: exchange.origin }
    for (const message of messages) entry.session.receive(message, from)
    if (requests.length === 0) sendEmpty(exchange, 202)
  }

  return {
    handle,
    *[Symbol.iterator](): Iterator<Session> {
      for (const { session } of entries.values()) yield session
    },
    get size() {
      return entries.size
    },
    close(): void {
      clearInterval(sweeper)
      for (const [id, entry] of entries) letGo(id, entry)
    },
  }
}

function notFound(exchange: HttpExchange): void {
  // 404 makes a client start over with `initialize`.
  sendRefusal(exchange, 404, { code: rpcCodes.sessionNotFound, message: 'Session not found' })
}
