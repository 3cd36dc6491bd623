import type { ServerConfig } from '../../config/resolved-config.ts'
import type { JsonObject, Notification } from '../wire/message.ts'
import { RpcError } from '../wire/rpc-error.ts'
import type { ConnectOptions } from './connect-options.ts'
import type { UpstreamConnection } from './connection.ts'
import type { MessageOwner } from './message-owner.ts'
import { UpstreamFailure } from './transport.ts'
import type { UpstreamMemory } from './upstream-memory.ts'

/** The whole 2025 client side: a shared connection must be able to pass on whatever is asked. */
const everyCapability: JsonObject = {
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
}

/** An MCP session of a 2025 client, as connections see it. */
export interface ClientSession extends MessageOwner {
  readonly clientInfo: JsonObject
  /** A list or a resource of a server has changed, as its own connection says. */
  heard(server: string, notification: Notification, params: string | undefined): void
}

/**
 * What a connection is kept under: `shared` speaks the newest era of the server, `legacy` is a second one
 * for 2025 clients of a server over HTTP that speaks both; the rest belong to one MCP session each.
 */
type SlotKey = 'shared' | 'legacy' | `session ${string}`

type WantedEra = ConnectOptions['era']

interface Slot {
  readonly opening: Promise<UpstreamConnection>
  readonly abort: AbortController
  connection: UpstreamConnection | undefined
}

/**
 * The open connections of one upstream. A stdio server is one process and one connection, whatever its
 * clients speak; a server over HTTP is spoken to in the era of each client where it speaks that, since the
 * same era on both sides loses nothing. Each is opened at most once, however many ask for it.
 */
export function createLinks(options: {
  config: ServerConfig
  memory: UpstreamMemory
  clientInfo: JsonObject
  connect: (
    options: Pick<
      ConnectOptions,
      | 'era'
      | 'capabilities'
      | 'clientInfo'
      | 'audience'
      | 'isTaskOf'
      | 'unasked'
      | 'onChange'
      | 'signal'
    >,
  ) => Promise<UpstreamConnection>
  /** Everybody who uses the shared connection. */
  audience: () => readonly MessageOwner[]
  /** Of the shared connection, see {@link ConnectOptions}. */
  isTaskOf: ConnectOptions['isTaskOf']
  unasked: () => string
  /** A list or a resource of the upstream changed; `session` when only that one heard it. */
  onChange: (
    notification: Notification,
    params: string | undefined,
    session: ClientSession | undefined,
  ) => void
  /** Called before anyone else may use a new connection. */
  onOpened: (connection: UpstreamConnection, session: ClientSession | undefined) => Promise<void>
  /** A connection ended by itself, with the reason. */
  onLost: (reason: string, session: ClientSession | undefined) => void
}) {
  const { config, memory } = options
  const slots = new Map<SlotKey, Slot>()
  /** Whether a server that speaks 2026-07-28 is one for 2025 clients as well. */
  let speaksLegacy: boolean | undefined

  function slot(key: SlotKey, eras: readonly WantedEra[], session?: ClientSession) {
    const existing = slots.get(key)
    if (existing) return existing.opening
    const abort = new AbortController()
    const opening = open(key, eras, { session, signal: abort.signal })
    const created: Slot = { opening, abort, connection: undefined }
    slots.set(key, created)
    const forget = () => {
      if (slots.get(key) === created) slots.delete(key)
    }
    opening.then((connection) => {
      created.connection = connection
      void connection.closed.then((reason) => {
        forget()
        if (!abort.signal.aborted && key !== 'legacy') options.onLost(reason, session)
      })
    }, forget)
    return opening
  }

  async function open(
    key: SlotKey,
    eras: readonly WantedEra[],
    { session, signal }: { session: ClientSession | undefined; signal: AbortSignal },
  ): Promise<UpstreamConnection> {
    const connection = await firstOf(eras, signal, (era) =>
      options.connect({
        era,
        capabilities: session?.capabilities ?? everyCapability,
        clientInfo: session?.clientInfo ?? options.clientInfo,
        audience: session ? () => [session] : options.audience,
        isTaskOf: session ? () => true : options.isTaskOf,
        unasked: session ? () => 'all' : options.unasked,
        onChange: (notification, params) => {
          // The shared connection says the same of lists.
          const isTwice = key === 'legacy' && notification.method.endsWith('/list_changed')
          if (!isTwice) options.onChange(notification, params, session)
        },
        signal,
      }),
    )
    try {
      await options.onOpened(connection, session)
    } catch (error) {
      await connection.close()
      throw error
    }
    return connection
  }

  /** The shared connection. Which era it is of is asked once, and remembered. */
  async function shared(): Promise<UpstreamConnection> {
    const running = slots.get('shared')
    if (running) return running.opening
    const remembered = await memory.era()
    speaksLegacy ??= remembered?.speaksLegacy
    const known = config.era ?? remembered?.newest
    // Some servers exit on any request before `initialize`, so on the question itself.
    const asks: readonly WantedEra[] = config.type === 'stdio' ? ['auto', 'legacy'] : ['auto']
    const connection = await slot('shared', known ? [known] : asks)
    if (config.era === 'modern') speaksLegacy = false
    if (known === undefined) await memory.saveEra({ newest: connection.era, speaksLegacy })
    return connection
  }

  /** The connection of a client; a 2026-07-28 client has no session. */
  async function acquire(session: ClientSession | undefined): Promise<UpstreamConnection> {
    const key = session && keyFor(session)
    if (!session || key === 'shared') return shared()
    const open = slots.get(key as SlotKey)
    if (open) return open.opening
    const common = await shared()
    const isModern = common.era === 'modern'
    if (isModern && (config.type === 'stdio' || speaksLegacy === false)) return common
    // The shared connection of a 2025 server is of the same kind.
    if (!isModern && config.isolation === 'shared') return common
    try {
      return await slot(key as SlotKey, ['legacy'], key === 'legacy' ? undefined : session)
    } catch (error) {
      if (!isModern || !(error instanceof RpcError || isRefusal(error))) throw error
      await learnLegacy(false)
      return common
    }
  }

  function keyFor(session: MessageOwner): SlotKey {
    if (config.isolation === 'session') return `session ${session.ownerId}`
    return config.type === 'stdio' ? 'shared' : 'legacy'
  }

  async function learnLegacy(speaks: boolean): Promise<void> {
    speaksLegacy = speaks
    await memory.saveEra({ newest: 'modern', speaksLegacy })
  }

  async function drop(key: SlotKey): Promise<void> {
    const dropped = slots.get(key)
    if (!dropped) return
    slots.delete(key)
    dropped.abort.abort(new Error('the upstream is being closed'))
    await dropped.opening.then(
      (connection) => connection.close(),
      () => {
        // It never opened; connect cleaned up after itself.
      },
    )
  }

  const openAt = (key: SlotKey) => slots.get(key)?.connection
  const ownNow = (session: MessageOwner) => openAt(`session ${session.ownerId}`)

  return {
    acquire,
    /** The same where it is open now. */
    ready(session: ClientSession | undefined): UpstreamConnection | undefined {
      const common = openAt('shared')
      if (!session) return common
      const own = openAt(keyFor(session))
      if (own) return own
      const isBridged =
        common?.era === 'modern' && (config.type === 'stdio' || speaksLegacy === false)
      const isAlike = common?.era === 'legacy' && config.isolation === 'shared'
      return isBridged || isAlike ? common : undefined
    },
    shared: () => openAt('shared'),
    own: ownNow,
    /** Those that several sessions use. */
    common: () => [openAt('shared'), openAt('legacy')].filter((one) => one !== undefined),
    all: () => [...slots.values()].flatMap(({ connection }) => connection ?? []),
    get opening() {
      return [...slots.values()].some(({ connection }) => connection === undefined)
    },
    releaseSession: (session: MessageOwner) => drop(`session ${session.ownerId}`),
    async closeAll() {
      await Promise.all([...slots.keys()].map(drop))
    },
  }
}

/** The first of these that works; none is tried once it is too late. */
async function firstOf<T>(
  eras: readonly WantedEra[],
  signal: AbortSignal,
  connect: (era: WantedEra) => Promise<T>,
): Promise<T> {
  const [era = 'auto', ...others] = eras
  try {
    return await connect(era)
  } catch (error) {
    if (others.length === 0 || signal.aborted) throw error
    return firstOf(others, signal, connect)
  }
}

/** Not what a login or a lost connection looks like. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamFailure && error.kind === 'refused' && error.cause === undefined
}

export type Links = ReturnType<typeof createLinks>
