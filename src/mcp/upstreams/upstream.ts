import type { ServerConfig } from '../../config/resolved-config.ts'
import type { UpstreamState } from '../../gateway-events.ts'
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
import { createRestartPolicy } from './restart-policy.ts'
import { createTaskOwners, type TaskOwners } from './task-owners.ts'
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

/** One configured server: its connections, what it offers, and how it is kept running. */
export interface Upstream {
  readonly config: ServerConfig
  readonly name: string
  /** For its owner: the error may hold words of the server's own. */
  status(): { state: UpstreamState; error: string | undefined; loginUrl: string | undefined }
  /** The login it waits for; undefined when it waits for none. */
  loginNeeded(): Promise<RpcError | undefined>
  /** Announces its login link anew, after the address it leads through has changed. */
  refreshLogin(): Promise<void>
  /** What it offers, as last seen; undefined when it was never reached. */
  catalog(): ServerCatalog | undefined
  /** Settles, without rejecting, when the first attempt to reach it is over. */
  readonly tried: Promise<void>
  /** The same, but never later than two seconds after the start: as long as a listing may wait. */
  readonly firstSight: Promise<void>
  /** The connection for a call, where it is open. */
  ready(session: ClientSession | undefined): UpstreamConnection | undefined
  /** The connection for a call; opens it when there is none. @throws RpcError */
  connection(session: ClientSession | undefined): Promise<UpstreamConnection>
  readonly tasks: TaskOwners
  /** Whether the session hears what is said to it alone, on a connection of its own. */
  isolates(session: MessageOwner): boolean
  /** Follows a resource until the returned function is called. Rejects when the server refuses. */
  subscribe(uri: string, session: ClientSession | undefined): Promise<() => void>
  /** Passes a session's log level on where the server keeps one. @throws RpcError its refusal */
  setLogLevel(session: ClientSession, level: string): Promise<void>
  /** Passes a notification of a session's client on, where the server hears such things. */
  notify(session: ClientSession, method: string, params: string | undefined): void
  releaseSession(session: ClientSession): Promise<void>
  restart(): Promise<void>
  /**
   * The same for a server whose files have changed: calls under way end first, as far as `patienceMs`
   * goes, and those that come meanwhile are answered by the new one.
   */
  reload(patienceMs: number): Promise<void>
  close(): Promise<void>
}

/** Creates an upstream and starts its first attempt to connect in the background. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { config, logger, now } = options
  const memory = createUpstreamMemory(options.store, config, now)
  const policy = createRestartPolicy(options)
  const tasks = createTaskOwners({ server: config.name, store: options.store, now, logger })
  let lastError: string | undefined
  /** Of the last failure, with words of the server's own: for the owner, and for no caller. */
  let ownersReason: string | undefined
  let pendingLogin: PendingLogin | undefined
  let restartTimer: NodeJS.Timeout | undefined
  let lastUsed = now()
  let closed = false
  let starting = 0
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
      ownersReason = undefined
      return connectUpstream({
        ...partial,
        config,
        timeoutMs: handshakeMs,
        environment: options.environment,
        reaper: options.reaper,
        auth: options.auth,
        connections: options.connections,
        onOwnersReason: (reason) => {
          ownersReason = reason
        },
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
      else if (!closed) void failed(reason)
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
  const perSession = {
    links,
    acquire: (session: ClientSession | undefined) => upstream.connection(session),
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

  async function failed(reason: string): Promise<void> {
    pendingLogin = await options.auth.pendingLogin(config.name)
    if (closed) return
    lastError = pendingLogin?.message ?? reason
    if (!pendingLogin) {
      const delay = policy.failed()
      logger.info('failed', { reason: ownersReason ?? reason, retryInMs: delay })
      clearTimeout(restartTimer)
      restartTimer = setTimeout(() => void start(), delay)
      restartTimer.unref()
    }
    // While a login is needed, trying again cannot help; the login restarts it.
    options.onState(config.name)
  }

  async function start(): Promise<void> {
    if (closed) return
    try {
      await connecting(acquire(undefined))
      if (closed) return
      policy.opened()
      lastError = undefined
      ownersReason = undefined
      pendingLogin = undefined
      await catalog.refresh()
      options.onState(config.name)
    } catch (error) {
      if (!closed) await failed(failureReason(error))
    }
  }

  async function connecting<T>(opening: Promise<T>): Promise<T> {
    starting += 1
    options.onState(config.name)
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
    const open = links.all()
    if (open.some(({ isBusy }) => isBusy) || subscriptions.size > 0) lastUsed = now()
    if (links.opening || open.length === 0 || now() - lastUsed < config.idleMs) return
    logger.info('stopped: idle')
    void links.closeAll().then(() => options.onState(config.name))
  }

  const upstream: Omit<Upstream, 'tried' | 'firstSight'> = {
    config,
    name: config.name,
    status() {
      const loginUrl = pendingLogin?.loginUrl
      const error = lastError && !pendingLogin ? (ownersReason ?? lastError) : lastError
      if (links.shared()) {
        return { state: 'up', error: failedLists(catalog.current()), loginUrl: undefined }
      }
      if (starting > 0 || links.opening) return { state: 'starting', error, loginUrl }
      if (pendingLogin) return { state: 'login-needed', error, loginUrl }
      return { state: error === undefined ? 'idle' : 'failed', error, loginUrl }
    },
    catalog: catalog.current,
    ready(session) {
      lastUsed = now()
      return reloading ? undefined : links.ready(session)
    },
    async connection(session) {
      lastUsed = now()
      await reloading
      const isDown = links.all().length === 0
      if (isDown && !links.opening && starting === 0) {
        const refusal = policy.refusal()
        if (refusal) throw unavailable(`${refusal}: ${forCallers(lastError ?? '')}`)
        clearTimeout(restartTimer)
        void start()
      }
      try {
        return await acquire(session)
      } catch (error) {
        throw (await upstream.loginNeeded()) ?? unavailable(forCallers(failureReason(error)))
      }
    },
    tasks,
    isolates: (session) => links.own(session) !== undefined,
    async refreshLogin() {
      if (!pendingLogin) return
      pendingLogin = await options.auth.pendingLogin(config.name)
      lastError = pendingLogin?.message ?? lastError
      options.onState(config.name)
    },
    async loginNeeded() {
      const login = await options.auth.pendingLogin(config.name)
      if (!login) return undefined
      const data = { server: config.name, loginUrl: login.loginUrl }
      return new RpcError(rpcCodes.upstreamUnavailable, login.message, data)
    },
    subscribe: subscriptions.subscribe,
    setLogLevel: logLevels.set,
    notify(session, method, params) {
      const send = (connection: UpstreamConnection) => {
        if (connection.era === 'legacy') connection.notify(method, params)
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
    async releaseSession(session) {
      logLevels.release(session)
      lostSessions.delete(session.ownerId)
      await links.releaseSession(session)
    },
    async restart() {
      policy.reset()
      clearTimeout(restartTimer)
      restarts += 1
      await links.closeAll()
      await start()
    },
    async reload(patienceMs) {
      await reloading
      const { promise, resolve } = Promise.withResolvers<void>()
      reloading = promise
      try {
        await settlesWithin(Promise.all(links.all().map((one) => one.idle())), patienceMs)
        await upstream.restart()
      } finally {
        reloading = undefined
        resolve()
      }
    },
    async close() {
      closed = true
      catalog.close()
      clearTimeout(restartTimer)
      clearInterval(idleTimer)
      await links.closeAll()
    },
  }

  /** Whoever writes a server wants its own words from every client; else they are the owner's alone. */
  function forCallers(reason: string): string {
    return config.type === 'stdio' && config.watch ? (ownersReason ?? reason) : reason
  }

  function unavailable(reason: string): RpcError {
    const message = `upstream ${JSON.stringify(config.name)} is not available: ${reason}`
    return new RpcError(rpcCodes.upstreamUnavailable, message, { server: config.name })
  }

  const tried = Promise.all([catalog.recall(), tasks.recall()]).then(start)
  const firstSight = settlesWithin(tried, firstSightMs).then(() => {})
  return Object.assign(upstream, { tried, firstSight })
}

/** Which lists of a server that is up could not be read; undefined when all could. */
function failedLists(catalog: ServerCatalog | undefined): string | undefined {
  const failures = Object.entries(catalog?.failures ?? {})
  if (failures.length === 0) return undefined
  return failures.map(([method, reason]) => `${method} failed: ${reason}`).join('; ')
}
