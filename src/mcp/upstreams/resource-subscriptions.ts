import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Era } from '../wire-types.ts'
import type { MessageOwner, UpstreamLink } from './link.ts'

/**
 * Which resources of one upstream are followed, and by how many. The upstream is told once per
 * resource and connection, in the words of its era, and told again after it was restarted.
 */
export interface ResourceSubscriptions {
  readonly size: number
  /** Follows a resource until the returned function is called. Rejects when the upstream refuses. */
  subscribe(uri: string, era: Era, session: MessageOwner | undefined): Promise<() => void>
  /** Follows on a new connection what the one before it followed. */
  restore(link: UpstreamLink, session: MessageOwner | undefined): void
}

interface Followed {
  readonly uri: string
  /** Set when the session has a connection of its own. */
  readonly session: MessageOwner | undefined
  count: number
  stop: () => void
}

export function createResourceSubscriptions(options: {
  openLinks: () => UpstreamLink[]
  link: (era: Era, session: MessageOwner | undefined) => Promise<UpstreamLink>
  timeoutMs: number
  logger: Logger
}): ResourceSubscriptions {
  const followed = new Map<string, Followed>()

  async function follow(link: UpstreamLink, uri: string): Promise<() => void> {
    if (link.era === 'modern') {
      const stream = await link.connection.listen({ resourceSubscriptions: [uri] })
      return () => void stream.close()
    }
    const send = (method: string) =>
      link.request(undefined, { method, params: { uri } }, { timeoutMs: options.timeoutMs })
    await send('resources/subscribe')
    return () => {
      if (link.connection.isClosed) return
      send('resources/unsubscribe').catch((error: unknown) =>
        options.logger.debug('cannot unsubscribe', { uri, reason: messageOf(error) }),
      )
    }
  }

  return {
    get size() {
      return followed.size
    },
    async subscribe(uri, era, session) {
      const link = await options.link(era, session)
      const shared = options.openLinks().includes(link)
      const key = shared ? `${link.era} ${uri}` : `session ${session?.ownerId} ${uri}`
      let entry = followed.get(key)
      if (!entry) {
        entry = { uri, session: shared ? undefined : session, count: 0, stop: () => {} }
        followed.set(key, entry)
        try {
          entry.stop = await follow(link, uri)
        } catch (error) {
          followed.delete(key)
          throw error
        }
      }
      entry.count += 1
      let active = true
      return () => {
        if (!active) return
        active = false
        entry.count -= 1
        if (entry.count > 0) return
        followed.delete(key)
        entry.stop()
      }
    },
    restore(link, session) {
      for (const [key, entry] of followed) {
        const concerns = session
          ? entry.session?.ownerId === session.ownerId
          : key.startsWith(link.era)
        if (!concerns) continue
        follow(link, entry.uri).then(
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
