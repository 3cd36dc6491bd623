import type { Implementation } from '@modelcontextprotocol/client'
import type { ServerConfig } from '../../config/resolved-config.ts'
import { messageOf } from '../../errors.ts'
import type { UpstreamState } from '../../gateway-events.ts'
import type { Logger } from '../../lib/logger.ts'
import type { ProcessReaper } from '../../lib/process-reaper.ts'
import { settlesWithin } from '../../lib/wait.ts'
import type { Store } from '../../store/store.ts'
import { type CatalogKind, changedKinds, fetchCatalog, type ServerCatalog } from '../catalog.ts'
import { rpcCodes, rpcError } from '../mcp-error.ts'
import type { Era, WireNotification } from '../wire-types.ts'
import { connectUpstream } from './connection.ts'
import type { MessageOwner, UpstreamLink } from './link.ts'
import { createLinkPool } from './link-pool.ts'
import {
  createResourceSubscriptions,
  type ResourceSubscriptions,
} from './resource-subscriptions.ts'
import { createRestartPolicy } from './restart-policy.ts'
import { createUpstreamMemory } from './upstream-memory.ts'

/** Longest handshake, ms: `npx -y` may have to install the server first. */
const handshakeMs = 60_000
const listTimeoutMs = 30_000
/** How long a listing waits for a server never seen before, from that server's start, ms. */
const firstSightMs = 2_000

export interface UpstreamOptions {
  readonly config: ServerConfig
  /** What the server offered before its entry was edited: shown until it is heard again. */
  readonly lastCatalog?: ServerCatalog | undefined
  readonly clientInfo: Implementation
  readonly store: Store
  readonly reaper: ProcessReaper
  readonly logger: Logger
  readonly now: () => number
  readonly random: () => number
  readonly onState: (server: string) => void
  readonly onCatalog: (server: string, changed: ReadonlySet<CatalogKind>) => void
  /** A resource changed; `session` when only that session's own connection heard it. */
  readonly onResourceUpdated: (
    server: string,
    notification: WireNotification,
    session: MessageOwner | undefined,
  ) => void
}

/** One configured server: its connections, what it offers, and how it is kept running. */
export interface Upstream {
  readonly config: ServerConfig
  readonly name: string
  status(): { state: UpstreamState; error: string | undefined }
  /** What it offers, as last seen; undefined when it was never reached. */
  catalog(): ServerCatalog | undefined
  /** Settles, without rejecting, when the first attempt to reach it is over. */
  readonly tried: Promise<void>
  /** The same, but never later than two seconds after the start: as long as a listing may wait. */
  readonly firstSight: Promise<void>
  /** A link for a call; connects when there is none. @throws Error as a JSON-RPC error */
  link(era: Era, session: MessageOwner | undefined): Promise<UpstreamLink>
  readonly resources: ResourceSubscriptions
  /** Passes a session's log level on where the upstream keeps one (2025 revisions). */
  setLogLevel(session: MessageOwner, level: string): Promise<void>
  /** Passes a notification of a session's client on, where the upstream hears such things. */
  notify(session: MessageOwner, notification: WireNotification): Promise<void>
  releaseSession(session: MessageOwner): Promise<void>
  restart(): Promise<void>
  close(): Promise<void>
}

/** Creates an upstream and starts its first attempt to connect in the background. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { config, logger, now } = options
  const memory = createUpstreamMemory(options.store, config, now)
  const policy = createRestartPolicy(options)
  let catalog = options.lastCatalog
  let lastError: string | undefined
  let restartTimer: NodeJS.Timeout | undefined
  let lastUsed = now()
  let closed = false
  let starting = 0
  let logLevel: string | undefined

  const pool = createLinkPool({
    config,
    memory,
    logger,
    connect: (partial) =>
      connectUpstream({
        ...partial,
        config,
        clientInfo: options.clientInfo,
        timeoutMs: handshakeMs,
        reaper: options.reaper,
        logger,
      }),
    async onOpened(link, session) {
      if (link.era === 'legacy') await restoreSession(link, session)
      if (link.era === 'modern') void followChanges(link)
      resources.restore(link, session)
    },
    onLost: (reason, session) => {
      if (session || closed) return
      failed(reason)
    },
    onChange(notification, session) {
      if (notification.method === 'notifications/resources/updated') {
        options.onResourceUpdated(upstream.name, notification, session)
      } else
        void refresh().catch(() => {
          // Reported by refresh itself.
        })
    },
  })
  const resources = createResourceSubscriptions({
    openLinks: pool.openLinks,
    link: (era, session) => upstream.link(era, session),
    timeoutMs: listTimeoutMs,
    logger,
  })

  async function restoreSession(link: UpstreamLink, session: MessageOwner | undefined) {
    const level = session?.logLevel ?? logLevel
    if (level === undefined || link.connection.capabilities.logging === undefined) return
    await setLevel(link, level)
  }

  function setLevel(link: UpstreamLink, level: string) {
    return link.request(
      undefined,
      { method: 'logging/setLevel', params: { level } },
      { timeoutMs: listTimeoutMs },
    )
  }

  /** 2026-07-28 sends changes only on a subscription; one that ends is opened again. */
  async function followChanges(link: UpstreamLink): Promise<void> {
    const has = (name: string) =>
      (link.connection.capabilities[name] as { listChanged?: boolean } | undefined)?.listChanged
    const filter = {
      ...(has('tools') && { toolsListChanged: true }),
      ...(has('resources') && { resourcesListChanged: true }),
      ...(has('prompts') && { promptsListChanged: true }),
    }
    if (Object.keys(filter).length === 0) return
    try {
      const subscription = await link.connection.listen(filter)
      await subscription.closed
      if (!link.connection.isClosed && !closed)
        setTimeout(() => void followChanges(link), 1000).unref()
    } catch (error) {
      logger.debug('cannot follow list changes', { reason: messageOf(error) })
    }
  }

  function failed(reason: string): void {
    lastError = reason
    const delay = policy.failed()
    logger.info('failed', { reason, retryInMs: delay })
    clearTimeout(restartTimer)
    restartTimer = setTimeout(() => void start(), delay)
    restartTimer.unref()
    options.onState(upstream.name)
  }

  async function start(): Promise<void> {
    if (closed) return
    try {
      await connecting(pool.acquire('modern', undefined))
      if (closed) return
      policy.opened()
      lastError = undefined
      await refresh()
      options.onState(upstream.name)
    } catch (error) {
      if (!closed) failed(messageOf(error))
    }
  }

  async function connecting<T>(opening: Promise<T>): Promise<T> {
    starting += 1
    options.onState(upstream.name)
    try {
      return await opening
    } finally {
      starting -= 1
    }
  }

  let refreshing: Promise<void> | undefined
  let refreshAgain = false
  function refresh(): Promise<void> {
    if (refreshing) {
      refreshAgain = true
      return refreshing
    }
    refreshing = readCatalog().finally(() => {
      refreshing = undefined
      if (!refreshAgain || closed) return
      refreshAgain = false
      void refresh().catch(() => {
        // Reported by readCatalog.
      })
    })
    return refreshing
  }

  async function readCatalog(): Promise<void> {
    const link = await pool.acquire('modern', undefined)
    const read = await fetchCatalog({
      capabilities: link.connection.capabilities,
      instructions: link.connection.instructions,
      request: (request) => link.request(undefined, request, { timeoutMs: listTimeoutMs }),
    }).catch((error: unknown) => {
      logger.warn('cannot list what the server offers', { reason: messageOf(error) })
      throw error
    })
    if (closed) return
    const changed = changedKinds(catalog, read)
    catalog = read
    await memory.saveCatalog(read)
    if (changed.size > 0) options.onCatalog(upstream.name, changed)
  }

  const idleTimer = Number.isFinite(config.idleMs)
    ? setInterval(stopWhenIdle, Math.max(1_000, config.idleMs / 4))
    : undefined
  idleTimer?.unref()
  function stopWhenIdle(): void {
    const busy = pool.openLinks().some((link) => link.inFlight > 0) || resources.size > 0
    if (busy) lastUsed = now()
    if (pool.opening || pool.openLinks().length === 0 || now() - lastUsed < config.idleMs) return
    logger.info('stopped: idle')
    void pool.closeAll().then(() => options.onState(upstream.name))
  }

  const upstream: Omit<Upstream, 'tried' | 'firstSight'> = {
    config,
    name: config.name,
    status() {
      if (pool.openLinks().length > 0) return { state: 'up', error: undefined }
      if (starting > 0 || pool.opening) return { state: 'starting', error: lastError }
      return { state: lastError === undefined ? 'idle' : 'failed', error: lastError }
    },
    catalog: () => catalog,
    async link(era, session) {
      lastUsed = now()
      const wasDown = pool.openLinks().length === 0
      if (wasDown && !pool.opening && starting === 0) {
        const refusal = policy.refusal()
        if (refusal) throw unavailable(`${refusal}: ${lastError}`)
        clearTimeout(restartTimer)
        void start()
      }
      try {
        return await pool.acquire(era, session)
      } catch (error) {
        throw unavailable(messageOf(error))
      }
    },
    resources,
    async setLogLevel(session, level) {
      logLevel = level
      await Promise.all(
        linksOf(session)
          .filter((link) => link.connection.capabilities.logging !== undefined)
          .map((link) => setLevel(link, level)),
      )
    },
    async notify(session, notification) {
      await Promise.all(linksOf(session).map((link) => link.connection.notify(notification)))
    },
    async releaseSession(session) {
      for (const link of pool.openLinks()) link.detach(session)
      await pool.releaseSession(session)
    },
    async restart() {
      policy.reset()
      clearTimeout(restartTimer)
      await pool.closeAll()
      await start()
    },
    async close() {
      closed = true
      clearTimeout(restartTimer)
      clearInterval(idleTimer)
      await pool.closeAll()
    },
  }

  /** The 2025 connections a session uses: its own, or those it shares. */
  function linksOf(session: MessageOwner): UpstreamLink[] {
    const own = pool.sessionLink(session)
    return own ? [own] : pool.openLinks().filter((link) => link.era === 'legacy')
  }

  function unavailable(reason: string): Error {
    const message = `upstream ${JSON.stringify(config.name)} is not available: ${reason}`
    return rpcError(rpcCodes.upstreamUnavailable, message, { server: config.name })
  }

  const tried = memory
    .catalog()
    .then((stored) => {
      if (!stored || catalog) return
      catalog = stored
      options.onCatalog(upstream.name, new Set(['tools', 'resources', 'prompts']))
    })
    .then(start)
  const firstSight = settlesWithin(tried, firstSightMs).then(() => {})
  return Object.assign(upstream, { tried, firstSight })
}
