import type { ServerConfig } from '../../config/resolved-config.ts'
import type { JsonObject, Notification } from '../wire/message.ts'
import type { Era } from '../wire/protocol.ts'
import type { ConnectOptions, UpstreamConnection } from './connection.ts'
import type { MessageOwner } from './message-owner.ts'
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
}

type SlotKey = 'shared' | `session ${string}`

interface Slot {
  readonly opening: Promise<UpstreamConnection>
  readonly abort: AbortController
  connection: UpstreamConnection | undefined
}

/**
 * The open connections of one upstream: one that is shared, and, where a 2025 server keeps sessions
 * apart, one for each MCP session. Each is opened at most once, however many ask for it.
 */
export function createLinks(options: {
  config: ServerConfig
  memory: UpstreamMemory
  clientInfo: JsonObject
  connect: (
    options: Pick<
      ConnectOptions,
      'era' | 'capabilities' | 'clientInfo' | 'audience' | 'onChange' | 'signal'
    >,
  ) => Promise<UpstreamConnection>
  /** Everybody who uses the shared connection. */
  audience: () => readonly MessageOwner[]
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

  function slot(key: SlotKey, era: 'auto' | Era, session?: ClientSession) {
    const existing = slots.get(key)
    if (existing) return existing.opening
    const abort = new AbortController()
    const opening = open(era, session, abort.signal)
    const created: Slot = { opening, abort, connection: undefined }
    slots.set(key, created)
    const forget = () => {
      if (slots.get(key) === created) slots.delete(key)
    }
    opening.then((connection) => {
      created.connection = connection
      void connection.closed.then((reason) => {
        forget()
        if (!abort.signal.aborted) options.onLost(reason, session)
      })
    }, forget)
    return opening
  }

  async function open(
    era: 'auto' | Era,
    session: ClientSession | undefined,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    const connection = await options.connect({
      era,
      capabilities: session?.capabilities ?? everyCapability,
      clientInfo: session?.clientInfo ?? options.clientInfo,
      audience: session ? () => [session] : options.audience,
      onChange: (notification, params) => options.onChange(notification, params, session),
      signal,
    })
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
    const known = config.era ?? (await memory.era())
    const connection = await slot('shared', known ?? 'auto').catch((error: unknown) => {
      // Some servers exit on any request before `initialize`, so on the question itself.
      if (config.type !== 'stdio' || known) throw error
      return slot('shared', 'legacy')
    })
    if (known === undefined) await memory.saveEra(connection.era)
    return connection
  }

  /** Sessions are kept apart only where there are such: a 2026-07-28 server has none. */
  async function acquire(session: ClientSession | undefined): Promise<UpstreamConnection> {
    if (!session || config.isolation !== 'session') return shared()
    const own = slots.get(`session ${session.ownerId}`)
    if (own) return own.opening
    const era = config.era ?? slots.get('shared')?.connection?.era ?? (await memory.era())
    if (era !== 'legacy' && (await shared()).era === 'modern') return shared()
    return slot(`session ${session.ownerId}`, 'legacy', session)
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

  const sharedNow = () => slots.get('shared')?.connection
  const ownNow = (session: MessageOwner) => slots.get(`session ${session.ownerId}`)?.connection

  return {
    acquire,
    /** The same where it is open now. */
    ready(session: ClientSession | undefined): UpstreamConnection | undefined {
      if (!session || config.isolation !== 'session') return sharedNow()
      const own = ownNow(session)
      if (own) return own
      const common = sharedNow()
      return common?.era === 'modern' ? common : undefined
    },
    shared: sharedNow,
    own: ownNow,
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

export type Links = ReturnType<typeof createLinks>
