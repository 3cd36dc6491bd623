import type { Implementation } from '@modelcontextprotocol/client'
import type { ServerConfig } from '../../config/resolved-config.ts'
import type { UpstreamState } from '../../gateway-events.ts'
import type { Logger } from '../../lib/logger.ts'
import type { ProcessReaper } from '../../lib/process-reaper.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import { settlesWithin } from '../../lib/wait.ts'
import type { Store } from '../../store/store.ts'
import type { CatalogKind, ServerCatalog } from '../catalog.ts'
import type { FastPath } from '../fast-path/fast-path.ts'
import { rpcCodes, rpcError } from '../mcp-error.ts'
import { type Era, lowestLogLevel, type WireNotification } from '../wire-types.ts'
import { createCatalogKeeper } from './catalog-keeper.ts'
import { connectUpstream } from './connection.ts'
import { failureReason } from './failure-reason.ts'
import type { MessageOwner, UpstreamLink } from './link.ts'
import { createLinkPool } from './link-pool.ts'
import {
  createResourceSubscriptions,
  type ResourceSubscriptions,
} from './resource-subscriptions.ts'
import { createRestartPolicy } from './restart-policy.ts'
import type { PendingLogin, UpstreamAuth } from './upstream-auth.ts'
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
  readonly auth: UpstreamAuth
  readonly connections: UpstreamConnections
  readonly fastPath: FastPath
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
  /** For its owner: the error may hold words of the server's own. */
  status(): { state: UpstreamState; error: string | undefined; loginUrl: string | undefined }
  /** The login it waits for, as a JSON-RPC error; undefined when it waits for none. */
  loginNeeded(): Promise<Error | undefined>
  /** Announces its login link anew, after the address it leads through has changed. */
  refreshLogin(): Promise<void>
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
  let lastError: string | undefined
  /** Of the last failure, with words of the server's own: for the owner, and for no caller. */
  let ownersReason: string | undefined
  let pendingLogin: PendingLogin | undefined
  let restartTimer: NodeJS.Timeout | undefined
  let lastUsed = now()
  let closed = false
  let starting = 0
  /** What each session asked for; a shared server is set to the most talkative of them. */
  const logLevels = new Map<string, string>()

  const pool = createLinkPool({
    config,
    memory,
    logger,
    connect(partial) {
      ownersReason = undefined
      return connectUpstream({
        ...partial,
        config,
        clientInfo: options.clientInfo,
        timeoutMs: handshakeMs,
        reaper: options.reaper,
        auth: options.auth,
        connections: options.connections,
        fastPath: options.fastPath,
        onOwnersReason: (reason) => {
          ownersReason = reason
        },
        logger,
      })
    },
    async onOpened(link, session) {
      if (link.era === 'legacy') await restoreSession(link, session)
      if (link.era === 'modern') void catalog.follow(link)
      resources.restore(link, session)
    },
    onLost: (reason, session) => {
      if (session || closed) return
      void failed(reason)
    },
    onChange(notification, session) {
      if (notification.method === 'notifications/resources/updated') {
        options.onResourceUpdated(upstream.name, notification, session)
        return
      }
      catalog.refresh().catch(() => {
        // Reported where it is read.
      })
    },
  })
  const catalog = createCatalogKeeper({
    initial: options.lastCatalog,
    memory,
    link: () => pool.acquire('modern', undefined),
    timeoutMs: listTimeoutMs,
    logger,
    onChanged: (kinds) => options.onCatalog(config.name, kinds),
  })
  const resources = createResourceSubscriptions({
    openLinks: pool.openLinks,
    link: (era, session) => upstream.link(era, session),
    timeoutMs: listTimeoutMs,
    logger,
  })

  async function restoreSession(link: UpstreamLink, session: MessageOwner | undefined) {
    const level = session?.logLevel ?? lowestLogLevel(logLevels.values())
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

  async function failed(reason: string): Promise<void> {
    pendingLogin = await options.auth.pendingLogin(config.name)
    if (closed) return
    lastError = pendingLogin?.message ?? reason
    if (pendingLogin) {
      // Trying again cannot help before somebody has logged in, which restarts it.
      options.onState(upstream.name)
      return
    }
    const delay = policy.failed()
    logger.info('failed', { reason: ownersReason ?? reason, retryInMs: delay })
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
      ownersReason = undefined
      pendingLogin = undefined
      await catalog.refresh()
      options.onState(upstream.name)
    } catch (error) {
      if (!closed) await failed(failureReason(error))
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
      const loginUrl = pendingLogin?.loginUrl
      const error = lastError && !pendingLogin ? (ownersReason ?? lastError) : lastError
      if (pool.openLinks().length > 0) return { state: 'up', error: undefined, loginUrl: undefined }
      if (starting > 0 || pool.opening) return { state: 'starting', error, loginUrl }
      if (pendingLogin) return { state: 'login-needed', error, loginUrl }
      return { state: error === undefined ? 'idle' : 'failed', error, loginUrl }
    },
    catalog: catalog.current,
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
        throw (await upstream.loginNeeded()) ?? unavailable(failureReason(error))
      }
    },
    async refreshLogin() {
      if (!pendingLogin) return
      pendingLogin = await options.auth.pendingLogin(config.name)
      lastError = pendingLogin?.message ?? lastError
      options.onState(upstream.name)
    },
    async loginNeeded() {
      const login = await options.auth.pendingLogin(config.name)
      if (!login) return undefined
      const data = { server: config.name, loginUrl: login.loginUrl }
      return rpcError(rpcCodes.upstreamUnavailable, login.message, data)
    },
    resources,
    async setLogLevel(session, level) {
      logLevels.set(session.ownerId, level)
      const isOwn = pool.sessionLink(session) !== undefined
      const wanted = isOwn ? level : (lowestLogLevel(logLevels.values()) ?? level)
      await Promise.all(
        linksOf(session)
          .filter((link) => link.connection.capabilities.logging !== undefined)
          .map((link) => setLevel(link, wanted)),
      )
    },
    async notify(session, notification) {
      await Promise.all(linksOf(session).map((link) => link.connection.notify(notification)))
    },
    async releaseSession(session) {
      logLevels.delete(session.ownerId)
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
      catalog.close()
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

  const tried = catalog.recall().then(start)
  const firstSight = settlesWithin(tried, firstSightMs).then(() => {})
  return Object.assign(upstream, { tried, firstSight })
}
