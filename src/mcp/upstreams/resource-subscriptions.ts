import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { UpstreamConnection } from './connection.ts'
import type { ClientSession, Links } from './links.ts'

interface Followed {
  readonly uri: string
  /** Set when the session has a connection of its own. */
  readonly session: ClientSession | undefined
  count: number
  stop: () => void
}

/**
 * Which resources of one upstream are followed, and by how many. The upstream is told once per
 * resource and connection, in the words of its era, and told again on the connection after.
 */
export function createResourceSubscriptions(options: {
  links: Links
  acquire: (session: ClientSession | undefined) => Promise<UpstreamConnection>
  timeoutMs: number
  logger: Logger
}) {
  const followed = new Map<string, Followed>()

  async function follow(connection: UpstreamConnection, uri: string): Promise<() => void> {
    if (connection.era === 'modern') {
      const stream = connection.listen({ resourceSubscriptions: [uri] })
      return () => stream.close()
    }
    await connection.ask('resources/subscribe', { uri }, options.timeoutMs)
    return () => {
      if (connection.closedFor !== undefined) return
      connection
        .ask('resources/unsubscribe', { uri }, options.timeoutMs)
        .catch((error: unknown) =>
          options.logger.debug('cannot unsubscribe', { uri, reason: messageOf(error) }),
        )
    }
  }

  return {
    get size() {
      return followed.size
    },
    /** Follows a resource until the returned function is called. Rejects when the upstream refuses. */
    async subscribe(uri: string, session: ClientSession | undefined): Promise<() => void> {
      const connection = await options.acquire(session)
      const isShared = options.links.common().includes(connection)
      const key = isShared ? `${connection.era} ${uri}` : `session ${session?.ownerId} ${uri}`
      let entry = followed.get(key)
      if (!entry) {
        entry = { uri, session: isShared ? undefined : session, count: 0, stop: () => {} }
        followed.set(key, entry)
        try {
          entry.stop = await follow(connection, uri)
        } catch (error) {
          followed.delete(key)
          throw error
        }
      }
      entry.count += 1
      const own = entry
      let isActive = true
      return () => {
        if (!isActive) return
        isActive = false
        own.count -= 1
        if (own.count > 0) return
        followed.delete(key)
        own.stop()
      }
    },
    /** Follows on a new connection what the one before it followed. */
    restore(connection: UpstreamConnection, session: ClientSession | undefined): void {
      for (const [key, entry] of followed) {
        if (entry.session?.ownerId !== session?.ownerId) continue
        if (!session && !key.startsWith(connection.era)) continue
        follow(connection, entry.uri).then(
          (stop) => {
            entry.stop = stop
          },
          (error: unknown) =>
            options.logger.warn('cannot follow a resource any more', {
              uri: entry.uri,
              reason: messageOf(error),
            }),
        )
      }
    },
  }
}
