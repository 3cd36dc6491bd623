import { messageOf } from '../../errors.ts'
import { settlesWithin } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import {
  type CatalogKind,
  type CatalogList,
  catalogLists,
  emptyCatalog,
  fetchList,
  type ServerCatalog,
} from '../profiles/catalog.ts'
import type { UpstreamConnection } from './connection.ts'
import type { UpstreamMemory } from './upstream-memory.ts'

/** After so long, lists are shown without those that are still not answered, ms. */
const firstListsMs = 1_500
/** Before a subscription that ended is opened again, ms. */
const followAgainMs = 1_000

/** Keeps the catalog of one upstream: remembered, read again when it changes, and saved. */
export function createCatalogKeeper(options: {
  initial: ServerCatalog | undefined
  memory: UpstreamMemory
  connection: () => Promise<UpstreamConnection>
  timeoutMs: number
  logger: Logger
  onChanged: (kinds: ReadonlySet<CatalogKind>) => void
  /** A list could not be read; the others are there all the same. */
  onListFailed: (method: string, reason: string) => void
}) {
  const { memory, logger, timeoutMs } = options
  let catalog = options.initial
  let closed = false
  let reading: Promise<void> | undefined
  let readAgain = false

  /** Reads every list. One that is never answered holds up the others for a moment only. */
  async function read(): Promise<void> {
    const connection = await options.connection()
    const { handshake, era } = connection
    const changed = new Set<CatalogKind>()
    let draft: ServerCatalog = { ...(catalog ?? emptyCatalog), handshake, era, failures: {} }
    let isShown = catalog !== undefined
    const update = (next: ServerCatalog) => {
      draft = next
      if (isShown && !closed) catalog = draft
    }
    const show = () => {
      isShown = true
      update(draft)
    }
    const lists = Promise.all(
      catalogLists.map(async (list) => {
        try {
          const items = await readList(connection, list)
          if (JSON.stringify(draft[list.key]) !== JSON.stringify(items)) changed.add(list.kind)
          update({ ...draft, [list.key]: items })
        } catch (error) {
          if (connection.closedFor !== undefined || closed) return
          const reason = messageOf(error)
          update({ ...draft, failures: { ...draft.failures, [list.method]: reason } })
          logger.info('cannot read a list of the server', { list: list.method, reason })
          options.onListFailed(list.method, reason)
        }
      }),
    )
    if (!(await settlesWithin(lists, firstListsMs))) {
      show()
      tellChanges(changed)
      await lists
    }
    if (closed) return
    show()
    await memory.saveCatalog(draft)
    tellChanges(changed)
  }

  function tellChanges(changed: Set<CatalogKind>): void {
    if (changed.size === 0) return
    options.onChanged(new Set(changed))
    changed.clear()
  }

  async function readList(connection: UpstreamConnection, list: CatalogList) {
    if (connection.handshake.capabilities[list.capability] === undefined) return []
    const ask = (params: Record<string, unknown>) => connection.ask(list.method, params, timeoutMs)
    return fetchList(ask, list)
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
        // The connection is gone; whoever opens the next one reads again.
      })
    })
    return reading
  }

  /** Subscribes to list changes on a 2026-07-28 connection, and again when the subscription ends. */
  async function follow(connection: UpstreamConnection): Promise<void> {
    const filter = changesToFollow(connection)
    if (Object.keys(filter).length === 0) return
    await connection.listen(filter).ended
    if (connection.closedFor !== undefined || closed) return
    setTimeout(() => void follow(connection), followAgainMs).unref()
  }

  return {
    /** What it offers, as last seen; undefined when it was never reached. */
    current: () => catalog,
    /** Takes the catalog of an earlier run until the upstream is heard. */
    async recall(): Promise<void> {
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
function changesToFollow({ handshake }: UpstreamConnection): Record<string, boolean> {
  const announced = (name: string) =>
    (handshake.capabilities[name] as { listChanged?: boolean } | undefined)?.listChanged === true
  return {
    ...(announced('tools') && { toolsListChanged: true }),
    ...(announced('resources') && { resourcesListChanged: true }),
    ...(announced('prompts') && { promptsListChanged: true }),
  }
}
