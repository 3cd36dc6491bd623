import type { Logger } from '../../lib/logger.ts'
import type { Store } from '../../store/store.ts'
import type { Profile } from '../profile.ts'
import type { CatalogKind } from '../profiles/catalog.ts'
import {
  claimsModern,
  isJsonObject,
  type Message,
  type Notification,
  readMessage,
  writeNotification,
} from '../wire/message.ts'
import { modernRevision, rpcCodes } from '../wire/protocol.ts'
import { createClientStreams } from './client-streams.ts'
import {
  type HttpExchange,
  headerOf,
  sendEmpty,
  sendNotAcceptable,
  sendRefusal,
  takenBy,
} from './http-exchange.ts'
import { createModernEndpoint } from './modern.ts'
import type { Session } from './session.ts'
import { createSessionRecords, type Sealer } from './session-records.ts'
import { createSseSessions } from './sse.ts'
import { createStreamableSessions } from './streamable.ts'

/** The protected resource behind `/api/mcp/:profile`: one URL for every protocol revision. */
export function createEndpoint(options: {
  profile: Profile
  store: Store
  sealer: Sealer
  now: () => number
  logger: Logger
}) {
  const { profile, store, sealer, now, logger } = options
  const streams = createClientStreams({ logger })
  const records = createSessionRecords({ profile: profile.config.name, sealer, store, now })
  const modern = createModernEndpoint({ profile, streams })
  const streamable = createStreamableSessions({ profile, records, streams, logger, now })
  const sse = createSseSessions({ profile, streams, logger })

  function changed(server: string, notification: Notification, params: string | undefined): void {
    modern.changed(server, notification, params)
    for (const session of streamable) session.changed(server, notification, params)
    for (const session of sse) session.changed(server, notification, params)
  }

  return {
    profile,
    /** Answers a streamable HTTP request of either era. */
    handle(exchange: HttpExchange) {
      const { body, incoming } = exchange
      if (incoming.method !== 'POST' || !body) return streamable.handle(exchange)
      if (!takenBy(exchange).json) return sendNotAcceptable(exchange, 'the answer may be JSON')
      const message = readMessage(body.text, body.value)
      if (!isModern(message, headerOf(exchange, 'mcp-protocol-version'))) {
        if (hasModernElement(body.value)) return refuseBatch(exchange)
        return streamable.handle(exchange)
      }
      if (message?.kind === 'request') modern.serve(message, exchange)
      else sendEmpty(exchange, 202)
    },
    /** Answers `GET …/sse` and `POST …/messages` of the deprecated HTTP+SSE transport. */
    openSse: sse.open,
    receiveSse: sse.receive,
    /** The 2025 MCP sessions that are open. */
    *sessions(): Iterable<Session> {
      yield* streamable
      yield* sse
    },
    /** Tells everybody that a list or a resource of a server has changed. */
    changed,
    /** The same of lists, where no server said so. */
    listsChanged(server: string, kinds: ReadonlySet<CatalogKind>): void {
      for (const kind of kinds) {
        const method = `notifications/${kind}/list_changed`
        const text = writeNotification(method, undefined)
        changed(server, { kind: 'notification', method, params: undefined, text }, undefined)
      }
    },
    /** Ends every session and stream. */
    close(): void {
      modern.close()
      streamable.close()
      sse.close()
      streams.close()
    },
  }
}

export type Endpoint = ReturnType<typeof createEndpoint>

/**
 * A request of 2026-07-28 says so in its `_meta`, or at least in its header; `initialize` opens a session
 * whatever its header says, unless it has the whole envelope.
 */
function isModern(message: Message | undefined, header: string | undefined): boolean {
  if (message?.kind !== 'request' && message?.kind !== 'notification') return false
  return claimsModern(message.params) || header?.trim() === modernRevision
}

function hasModernElement(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.some((one) => {
      const params = isJsonObject(one) && isJsonObject(one.params) ? one.params : undefined
      return claimsModern(params)
    })
  )
}

function refuseBatch(exchange: HttpExchange): void {
  const message = `Bad Request: JSON-RPC batches may not contain requests of revision ${modernRevision}`
  sendRefusal(exchange, 400, { code: rpcCodes.invalidRequest, message })
}
