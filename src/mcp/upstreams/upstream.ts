import type { ServerConfig } from '../../config/resolved-config.ts'
import { settlesWithin } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { ProcessReaper } from '../../lib/process-reaper.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import type { Store } from '../../store/store.ts'
import type { CatalogKind, ServerCatalog } from '../profiles/catalog.ts'
import type { JsonObject, Notification } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { failureReason, RpcError } from '../wire/rpc-error.ts'
import { createCatalogKeeper } from './catalog-keeper.ts'
import { connectUpstream } from './connect.ts'
import type { UpstreamConnection } from './connection.ts'
import { type ClientSession, createLinks } from './links.ts'
import { createLogLevels } from './log-levels.ts'
import type { MessageOwner } from './message-owner.ts'
import { createResourceSubscriptions } from './resource-subscriptions.ts'
import { createTaskOwners } from './task-owners.ts'
import { createUpkeep } from './upkeep.ts'
import type { UpstreamAuth } from './upstream-auth.ts'
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
  readonly clientInfo: JsonObject
  readonly store: Store
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly reaper: ProcessReaper
  readonly auth: UpstreamAuth
  readonly connections: UpstreamConnections
  readonly logger: Logger
  readonly now: () => number
  readonly random: () => number
  readonly onState: (server: string) => void
  /** A finding that its owner should hear of. */
  readonly warn: (finding: { code: string; message: string; hint?: string }) => void
  readonly onCatalog: (server: string, changed: ReadonlySet<CatalogKind>) => void
  /** A list or a resource changed; `session` when only that session's own connection heard it. */
  readonly onChange: (
    server: string,
    notification: Notification,
    params: string | undefined,
    session: ClientSession | undefined,
  ) => void
  /** The sessions that use the shared connection. */
  readonly audience: (server: string) => readonly MessageOwner[]
}

/**
 * One configured server: its connections, what it offers, and how it is kept running. The first attempt
 * to connect starts in the background.
 */
export function createUpstream(options: UpstreamOptions) {
  const { config, logger, now } = options
  const memory = createUpstreamMemory(options.store, config, now)
  const tasks = createTaskOwners({ server: config.name, store: options.store, now, logger })
  let lastUsed = now()
  let closed = false
  let restarts = 0
  let toldMalformed = false
  /** While it is replaced by its new self. */
  let reloading: Promise<void> | undefined
  /** Sessions whose own connection ended by itself. */
  const lostSessions = new Set<string>()

  const links = createLinks({
    config,
    memory,
    clientInfo: options.clientInfo,
    audience: () => options.audience(config.name),
    isTaskOf: (taskId, owner) => tasks.isOf(taskId, owner.taskOwner),
    unasked: () => logLevels.unasked(),
    connect(partial) {
      upkeep.tellOwner(undefined)
      return connectUpstream({
        ...partial,
        config,
        timeoutMs: handshakeMs,
        environment: options.environment,
        reaper: options.reaper,
        auth: options.auth,
        connections: options.connections,
        onOwnersReason: upkeep.tellOwner,
        logger,
        onMalformed(excerpt) {
          logger.debug('sent what is no JSON-RPC message', { excerpt })
          // Once: a server that prints to stdout would fill the terminal.
          if (toldMalformed) return
          toldMalformed = true
          options.warn({
            code: 'MALFORMED_MESSAGE',
            message: `Server "${config.name}" sent what is no JSON-RPC message: ${JSON.stringify(excerpt)}`,
            ...(config.type === 'stdio' && {
              hint: 'Over stdio only messages may be written to standard output; logs go to standard error.',
            }),
          })
        },
      })
    },
    async onOpened(connection, session) {
      if (connection.era === 'modern') void catalog.follow(connection)
      else await logLevels.restore(connection, session)
      subscriptions.restore(connection, session)
      if (session && lostSessions.delete(session.ownerId)) tellLists(connection, session)
    },
    onLost(reason, session) {
      if (session) lostSessions.add(session.ownerId)
      else void upkeep.failed(reason)
    },
    onChange(notification, params, session) {
      const isList = notification.method !== 'notifications/resources/updated'
      if (isList && !session) refreshQuietly()
      options.onChange(config.name, notification, params, session)
    },
  })
  const catalog = createCatalogKeeper({
    initial: options.lastCatalog,
    memory,
    connection: () => acquire(undefined),
    timeoutMs: listTimeoutMs,
    logger,
    onChanged: (kinds) => options.onCatalog(config.name, kinds),
    onListFailed: () => options.onState(config.name),
  })
  const upkeep = createUpkeep({
    ...options,
    server: config.name,
    open: () => acquire(undefined),
    read: catalog.refresh,
    onState: () => options.onState(config.name),
    tellsEverybody: config.type === 'stdio' && config.watch !== undefined,
  })
  const perSession = {
    links,
    acquire: connection,
    timeoutMs: listTimeoutMs,
    logger,
  }
  const subscriptions = createResourceSubscriptions(perSession)
  const logLevels = createLogLevels(perSession)

  /** A restart ends what is being opened; whoever waits for that gets what is opened next. */
  async function acquire(session: ClientSession | undefined): Promise<UpstreamConnection> {
    const before = restarts
    try {
      return await links.acquire(session)
    } catch (error) {
      if (closed || restarts === before) throw error
      return acquire(session)
    }
  }

  function refreshQuietly(): void {
    catalog.refresh().catch(() => {
      // The connection is gone; whoever opens the next one reads again.
    })
  }

  /** What a new connection of a session's own lists may differ from what the one before it did. */
  function tellLists({ handshake }: UpstreamConnection, session: ClientSession): void {
    for (const kind of ['tools', 'resources', 'prompts']) {
      if (handshake.capabilities[kind] === undefined) continue
      session.tell(`notifications/${kind}/list_changed`, undefined)
    }
  }

  const idleTimer = Number.isFinite(config.idleMs)
    ? setInterval(stopWhenIdle, Math.max(1_000, config.idleMs / 4))
    : undefined
  idleTimer?.unref()
  function stopWhenIdle(): void {
    const open = links.all()
    if (open.some(({ isBusy }) => isBusy) || subscriptions.size > 0) lastUsed = now()
    if (links.opening || open.length === 0 || now() - lastUsed < config.idleMs) return
    logger.info('stopped: idle')
    void links.closeAll().then(() => options.onState(config.name))
  }

  async function connection(session: ClientSession | undefined): Promise<UpstreamConnection> {
    lastUsed = now()
    await reloading
    if (links.all().length === 0 && !links.opening) {
      const refusal = upkeep.wake()
      if (refusal !== undefined) throw unavailable(refusal)
    }
    try {
      return await acquire(session)
    } catch (error) {
      throw (await upkeep.loginNeeded()) ?? unavailable(upkeep.forCallers(failureReason(error)))
    }
  }

  async function restart(): Promise<void> {
    upkeep.reset()
    restarts += 1
    await links.closeAll()
    await upkeep.start()
  }

  const tried = Promise.all([catalog.recall(), tasks.recall()]).then(upkeep.start)

  return {
    config,
    name: config.name,
    /** For its owner: the error may hold words of the server's own. */
    status() {
      if (!links.shared()) return upkeep.state(links.opening)
      const error = failedLists(catalog.current())
      return { state: 'up', error, loginUrl: undefined } as const
    },
    loginNeeded: upkeep.loginNeeded,
    refreshLogin: upkeep.refreshLogin,
    /** What it offers, as last seen; undefined when it was never reached. */
    catalog: catalog.current,
    /** Settles, without rejecting, when the first attempt to reach it is over. */
    tried,
    /** The same, but never later than two seconds after the start: as long as a listing may wait. */
    firstSight: settlesWithin(tried, firstSightMs).then(() => {}),
    /** The connection for a call, where it is open. */
    ready(session: ClientSession | undefined): UpstreamConnection | undefined {
      lastUsed = now()
      return reloading ? undefined : links.ready(session)
    },
    /** The connection for a call; opens it when there is none. @throws RpcError */
    connection,
    tasks,
    /** Whether the session hears what is said to it alone, on a connection of its own. */
    isolates: (session: MessageOwner) => links.own(session) !== undefined,
    /** Follows a resource until the returned function is called. Rejects when the server refuses. */
    subscribe: subscriptions.subscribe,
    /** Passes a session's log level on where the server keeps one. @throws RpcError its refusal */
    setLogLevel: logLevels.set,
    /** Passes a notification of a session's client on, where the server hears such things. */
    notify(session: ClientSession, method: string, params: string | undefined) {
      const send = (one: UpstreamConnection) => {
        if (one.era === 'legacy') one.notify(method, params)
      }
      const ready = links.ready(session)
      if (ready) return send(ready)
      // A session without a call of its own yet; a server that is not there is not woken.
      if (!links.shared()) return
      links
        .acquire(session)
        .then(send, (error: unknown) =>
          logger.debug('a notification could not be passed on', { reason: failureReason(error) }),
        )
    },
    async releaseSession(session: ClientSession): Promise<void> {
      logLevels.release(session)
      lostSessions.delete(session.ownerId)
      await links.releaseSession(session)
    },
    restart,
    /**
     * The same for a server whose files have changed: calls under way end first, as far as `patienceMs`
     * goes, and those that come meanwhile are answered by the new one.
     */
    async reload(patienceMs: number): Promise<void> {
      await reloading
      const { promise, resolve } = Promise.withResolvers<void>()
      reloading = promise
      try {
        await settlesWithin(Promise.all(links.all().map((one) => one.idle())), patienceMs)
        await restart()
      } finally {
        reloading = undefined
        resolve()
      }
    },
    async close(): Promise<void> {
      closed = true
      catalog.close()
      upkeep.close()
      clearInterval(idleTimer)
      await links.closeAll()
    },
  }

  function unavailable(reason: string): RpcError {
    const message = `upstream ${JSON.stringify(config.name)} is not available: ${reason}`
    return new RpcError(rpcCodes.upstreamUnavailable, message, { server: config.name })
  }
}

export type Upstream = ReturnType<typeof createUpstream>

/** Which lists of a server that is up could not be read; undefined when all could. */
function failedLists(catalog: ServerCatalog | undefined): string | undefined {
  const failures = Object.entries(catalog?.failures ?? {})
  if (failures.length === 0) return undefined
  return failures.map(([method, reason]) => `${method} failed: ${reason}`).join('; ')
}
