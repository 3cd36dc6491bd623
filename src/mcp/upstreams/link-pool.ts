import { SdkError } from '@modelcontextprotocol/client'
import type { ServerConfig } from '../../config/resolved-config.ts'
import type { Logger } from '../../lib/logger.ts'
import { isRpcError } from '../mcp-error.ts'
import type { Era, JsonObject, WireNotification } from '../wire-types.ts'
import type { ConnectOptions, UpstreamConnection } from './connection.ts'
import { createLinkRouter, type MessageOwner, type UpstreamLink } from './link.ts'
import type { UpstreamMemory } from './upstream-memory.ts'

/** The whole 2025 client side: a shared connection must be able to pass on whatever is asked. */
const everyCapability: JsonObject = {
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
}

/**
 * What a connection is kept under. `primary` speaks the upstream's newest era, `legacy` is a
 * second one for 2025 clients of an upstream that speaks both; the rest belong to one MCP session.
 */
type SlotKey = 'primary' | 'legacy' | `session ${string}`

type WantedEra = ConnectOptions['era']

export interface LinkPoolOptions {
  readonly config: ServerConfig
  readonly memory: UpstreamMemory
  readonly connect: (
    options: Pick<
      ConnectOptions,
      'era' | 'capabilities' | 'onRequest' | 'onNotification' | 'signal'
    >,
  ) => Promise<UpstreamConnection>
  readonly logger: Logger
  /** A list or a resource of the upstream changed; `session` when only one session heard it. */
  readonly onChange: (notification: WireNotification, session: MessageOwner | undefined) => void
  /** Called before anyone else may use a new link. */
  readonly onOpened: (link: UpstreamLink, session: MessageOwner | undefined) => Promise<void>
  /** A link ended by itself, with the reason. */
  readonly onLost: (reason: string, session: MessageOwner | undefined) => void
}

/** The open connections of one upstream. Each is opened at most once, however many ask for it. */
export interface LinkPool {
  /**
   * The link for a client of the wanted era: of the same era where the upstream speaks it, since
   * that loses nothing; otherwise of the other one, which the relay then bridges.
   */
  acquire(wanted: Era, session: MessageOwner | undefined): Promise<UpstreamLink>
  /** The shared links that are open now. */
  openLinks(): UpstreamLink[]
  /** The open link of one isolated session. */
  sessionLink(session: MessageOwner): UpstreamLink | undefined
  readonly opening: boolean
  releaseSession(session: MessageOwner): Promise<void>
  closeAll(): Promise<void>
}

interface Slot {
  readonly opening: Promise<UpstreamLink>
  readonly abort: AbortController
  link: UpstreamLink | undefined
}

export function createLinkPool(options: LinkPoolOptions): LinkPool {
  const { config, memory } = options
  const slots = new Map<SlotKey, Slot>()

  function slot(key: SlotKey, eras: readonly WantedEra[], session?: MessageOwner) {
    const existing = slots.get(key)
    if (existing) return existing.opening
    const abort = new AbortController()
    const created: Slot = { opening: open(eras, session, abort.signal), abort, link: undefined }
    slots.set(key, created)
    created.opening.then(
      (link) => {
        created.link = link
        void link.connection.closed.then((reason) => {
          const wasOurs = abort.signal.aborted
          if (slots.get(key) === created) slots.delete(key)
          if (!wasOurs) options.onLost(reason, session)
        })
      },
      () => {
        if (slots.get(key) === created) slots.delete(key)
      },
    )
    return created.opening
  }

  /** Opens a link of the first of these eras that works. */
  async function open(
    eras: readonly WantedEra[],
    session: MessageOwner | undefined,
    signal: AbortSignal,
  ): Promise<UpstreamLink> {
    const router = createLinkRouter(config, (notification) =>
      options.onChange(notification, session),
    )
    const connect = ([
      era = 'auto',
      ...others
    ]: readonly WantedEra[]): Promise<UpstreamConnection> => {
      const connecting = options.connect({
        era,
        capabilities: session?.capabilities ?? everyCapability,
        onRequest: router.onRequest,
        onNotification: router.onNotification,
        signal,
      })
      return connecting.catch((error: unknown) => {
        // What is being closed must not be started once more.
        if (others.length === 0 || signal.aborted) throw error
        return connect(others)
      })
    }
    const link = router.open(await connect(eras))
    try {
      await options.onOpened(link, session)
    } catch (error) {
      await link.close()
      throw error
    }
    return link
  }

  /** Opens the newest era the upstream speaks and remembers which that is. */
  async function primary(): Promise<UpstreamLink> {
    const running = slots.get('primary')
    if (running) return running.opening
    const verdict = await memory.verdict()
    const knownLegacy = verdict?.modern === false
    // Some servers exit on any request before `initialize`, so on the probe itself.
    const mayExit = config.type === 'stdio' && !verdict
    const newest = mayExit ? (['auto', 'legacy'] as const) : (['auto'] as const)
    const link = await slot('primary', knownLegacy ? ['legacy'] : newest)
    const modern = link.era === 'modern'
    if (verdict?.modern !== modern) {
      await memory.saveVerdict({ modern, legacy: modern ? undefined : true })
    }
    return link
  }

  async function legacy(session: MessageOwner | undefined): Promise<UpstreamLink> {
    const link = await primary()
    const isolated = session && config.isolation === 'session' ? session : undefined
    if (link.era === 'legacy') {
      return isolated ? slot(`session ${isolated.ownerId}`, ['legacy'], isolated) : link
    }
    const verdict = await memory.verdict()
    if (verdict?.legacy === false) return link
    try {
      const key = isolated ? (`session ${isolated.ownerId}` as const) : 'legacy'
      const opened = await slot(key, ['legacy'], isolated)
      if (verdict?.legacy === undefined) await memory.saveVerdict({ modern: true, legacy: true })
      return opened
    } catch (error) {
      if (!isRpcError(error) && !(error instanceof SdkError)) throw error
      options.logger.debug('speaks 2026-07-28 only', { reason: error.message })
      await memory.saveVerdict({ modern: true, legacy: false })
      return link
    }
  }

  async function drop(key: SlotKey): Promise<void> {
    const dropped = slots.get(key)
    if (!dropped) return
    slots.delete(key)
    dropped.abort.abort(new Error('the upstream is being closed'))
    await dropped.opening.then(
      (link) => link.close(),
      () => {
        // It never opened; connect cleaned up after itself.
      },
    )
  }

  return {
    acquire: (wanted, session) => (wanted === 'modern' ? primary() : legacy(session)),
    openLinks: () => (['primary', 'legacy'] as const).flatMap((key) => slots.get(key)?.link ?? []),
    sessionLink: (session) => slots.get(`session ${session.ownerId}`)?.link,
    get opening() {
      return [...slots.values()].some((one) => one.link === undefined)
    },
    releaseSession: (session) => drop(`session ${session.ownerId}`),
    async closeAll() {
      await Promise.all([...slots.keys()].map(drop))
    },
  }
}
