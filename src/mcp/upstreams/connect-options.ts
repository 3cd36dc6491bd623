import type { ServerConfig } from '../../config/resolved-config.ts'
import type { Logger } from '../../lib/logger.ts'
import type { ProcessReaper } from '../../lib/process-reaper.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import type { JsonObject, Notification } from '../wire/message.ts'
import type { Era } from '../wire/protocol.ts'
import { createHttpTransport } from './http.ts'
import type { MessageOwner } from './message-owner.ts'
import { createSseTransport } from './sse.ts'
import { createStdioTransport } from './stdio.ts'
import type { Transport, TransportListener } from './transport.ts'
import type { UpstreamAuth } from './upstream-auth.ts'

export interface ConnectOptions {
  readonly config: ServerConfig
  /** `auto` asks for the newest era the server speaks. */
  readonly era: 'auto' | Era
  readonly clientInfo: JsonObject
  readonly capabilities: JsonObject
  /** Who hears what belongs to no call. */
  readonly audience: () => readonly MessageOwner[]
  /** Whether a task is known to a part of the audience, and nobody else hears of it. */
  readonly isTaskOf: (taskId: string, owner: MessageOwner) => boolean
  /** Least severe log message for whoever has set no level; `all` leaves that to the server. */
  readonly unasked: () => string
  /** A list or a resource of the server has changed. */
  readonly onChange: (notification: Notification, params: string | undefined) => void
  /** Longest time for the whole handshake, ms. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Our own environment, of which a program gets the harmless part. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly reaper: ProcessReaper
  readonly auth: UpstreamAuth
  readonly connections: UpstreamConnections
  readonly logger: Logger
  /** Told why the upstream failed, in words for its owner alone. */
  readonly onOwnersReason: (reason: string) => void
  /** A message that could not be read, with its first characters. */
  readonly onMalformed: (excerpt: string) => void
}

/** Whatever carries the messages of this server. */
export function createTransport(options: ConnectOptions, listener: TransportListener): Transport {
  const { config } = options
  if (config.type === 'stdio') return createStdioTransport({ ...options, config }, listener)
  const create = config.type === 'sse' ? createSseTransport : createHttpTransport
  return create({ ...options, config }, listener)
}
