import type { Logger } from '../../lib/logger.ts'
import { lowestLogLevel } from '../wire/protocol.ts'
import type { UpstreamConnection } from './connection.ts'
import type { ClientSession, Links } from './links.ts'

/**
 * The log levels that the sessions of one upstream asked for. A shared server has one level alone, the
 * most talkative of them; each session is told what it asked for.
 */
export function createLogLevels(options: {
  links: Links
  acquire: (session: ClientSession) => Promise<UpstreamConnection>
  timeoutMs: number
  logger: Logger
}) {
  const { links, logger } = options
  const asked = new Map<string, string>()
  /** What the shared server was set to; undefined while that is its own choice. */
  let shared: string | undefined

  const tell = (connection: UpstreamConnection, level: string) =>
    connection.ask('logging/setLevel', { level }, options.timeoutMs)

  /** What nobody waits for. */
  function tellQuietly(connection: UpstreamConnection, level: string): Promise<unknown> {
    return tell(connection, level).catch((error: Error) =>
      logger.debug('refused its log level', { reason: error.message }),
    )
  }

  return {
    /** The level of whoever has asked for none: what others asked for is not meant for everybody. */
    unasked: () => (shared === undefined ? 'all' : 'info'),
    /** @throws RpcError the server's refusal */
    async set(session: ClientSession, level: string): Promise<void> {
      const before = asked.get(session.ownerId)
      // First, so that whoever asks at the same time knows of it.
      asked.set(session.ownerId, level)
      try {
        const connection = await options.acquire(session)
        // Requests of 2026-07-28 say it each.
        if (connection.era === 'modern') return
        if (links.own(session) === connection) return void (await tell(connection, level))
        const wanted = lowestLogLevel(asked.values()) ?? level
        await tell(connection, wanted)
        shared = wanted
      } catch (error) {
        if (before === undefined) asked.delete(session.ownerId)
        else asked.set(session.ownerId, before)
        throw error
      }
    },
    /** Sets on a new connection what was set on the one before it. */
    async restore(
      connection: UpstreamConnection,
      session: ClientSession | undefined,
    ): Promise<void> {
      const level = session ? asked.get(session.ownerId) : shared && lowestLogLevel(asked.values())
      if (!session) shared = level
      if (!level || connection.handshake.capabilities.logging === undefined) return
      await tellQuietly(connection, level)
    },
    /** Forgets a session, for which a shared server needs to say no more than the others want. */
    release(session: ClientSession): void {
      if (!asked.delete(session.ownerId) || shared === undefined) return
      const wanted = lowestLogLevel(asked.values()) ?? 'info'
      if (wanted === shared) return
      shared = wanted
      for (const connection of links.common()) {
        if (connection.era === 'legacy') void tellQuietly(connection, wanted)
      }
    },
  }
}
