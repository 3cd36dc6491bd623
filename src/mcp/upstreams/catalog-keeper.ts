import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import { type CatalogKind, changedKinds, fetchCatalog, type ServerCatalog } from '../catalog.ts'
import type { UpstreamLink } from './link.ts'
import type { UpstreamMemory } from './upstream-memory.ts'

/** Before a subscription that ended is opened again, ms. */
const followAgainMs = 1_000

/** Keeps the catalog of one upstream: remembered, read again when it changes, and saved. */
export interface CatalogKeeper {
  current(): ServerCatalog | undefined
  /** Takes the catalog of an earlier run until the upstream is heard. */
  recall(): Promise<void>
  /** Reads it anew; calls that come meanwhile share one further reading. */
  refresh(): Promise<void>
  /** Subscribes to list changes on a 2026-07-28 link, and again when the subscription ends. */
  follow(link: UpstreamLink): Promise<void>
  close(): void
}

export function createCatalogKeeper(options: {
  initial: ServerCatalog | undefined
  memory: UpstreamMemory
  link: () => Promise<UpstreamLink>
  timeoutMs: number
  logger: Logger
  onChanged: (kinds: ReadonlySet<CatalogKind>) => void
}): CatalogKeeper {
  const { memory, logger, timeoutMs } = options
  let catalog = options.initial
  let closed = false
  let reading: Promise<void> | undefined
  let readAgain = false

  async function read(): Promise<void> {
    const link = await options.link()
    const fetched = await fetchCatalog({
      capabilities: link.connection.capabilities,
      instructions: link.connection.instructions,
      request: (request) => link.request(undefined, request, { timeoutMs }),
    }).catch((error: unknown) => {
      logger.warn('cannot list what the server offers', { reason: messageOf(error) })
      throw error
    })
    if (closed) return
    const changed = changedKinds(catalog, fetched)
    catalog = fetched
    await memory.saveCatalog(fetched)
    if (changed.size > 0) options.onChanged(changed)
  }

  function refresh(): Promise<void> {
    if (reading) {
      readAgain = true
      return reading
    }
    reading = read().finally(() => {
      reading = undefined
      if (!readAgain || closed) return
      readAgain = false
      refresh().catch(() => {
        // Reported by `read`.
      })
    })
    return reading
  }

  async function follow(link: UpstreamLink): Promise<void> {
    const filter = changesToFollow(link)
    if (Object.keys(filter).length === 0) return
    try {
      const subscription = await link.connection.listen(filter)
      await subscription.closed
      if (link.connection.isClosed || closed) return
      setTimeout(() => void follow(link), followAgainMs).unref()
    } catch (error) {
      logger.debug('cannot follow list changes', { reason: messageOf(error) })
    }
  }

  return {
    current: () => catalog,
    async recall() {
      const stored = await memory.catalog()
      if (!stored || catalog) return
      catalog = stored
      options.onChanged(new Set(['tools', 'resources', 'prompts']))
    },
    refresh,
    follow,
    close() {
      closed = true
    },
  }
}

/** 2026-07-28 sends changes only to who subscribes, and only for lists announced as changing. */
function changesToFollow({ connection }: UpstreamLink): Record<string, boolean> {
  const announced = (name: string) =>
    (connection.capabilities[name] as { listChanged?: boolean } | undefined)?.listChanged === true
  return {
    ...(announced('tools') && { toolsListChanged: true }),
    ...(announced('resources') && { resourcesListChanged: true }),
    ...(announced('prompts') && { promptsListChanged: true }),
  }
}
