import type { AppUrlFiles } from '../../config/app-url-files.ts'
import type { InstanceLock } from '../../config/instance-lock.ts'
import type { GatewayFile, ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import type { GatewayEvent, ReadyEvent } from '../../gateway-events.ts'
import { shortPath } from '../../lib/wording.ts'
import { exposureOfHost } from '../../origin/exposure.ts'
import type { Companions } from '../companions.ts'
import { failureEvent } from '../ui/failure.ts'
import { createNewsFormatter } from '../ui/news.ts'
import { formatReady, type ReadyView } from '../ui/ready.ts'
import { createPendingApprovals } from './approvals.ts'
import { createClientKeeper } from './dev-clients.ts'
import type { DevWorld, Notice } from './dev-world.ts'

export type DevEvents = ReturnType<typeof createDevEvents>

interface DevEventsOptions {
  readonly world: DevWorld
  readonly config: ResolvedConfig
  readonly lock: InstanceLock
  readonly appUrlFiles: AppUrlFiles
  readonly companions: Companions
  readonly onReady: () => void
  /** The gateway stopped by itself. */
  readonly onStopped: (reason: string) => void
  readonly onBug: (error: unknown) => void
}

/** What follows from the gateway's events: files, companions, and what is printed. */
export function createDevEvents(options: DevEventsOptions) {
  const { world, config, onBug } = options
  const { output } = world
  const configFile = shortPath(config.configFile, config.projectDir)
  const news = createNewsFormatter({ screen: output.stderr, configFile })
  const address = createAddressKeeper(options, (notice) => warn(notice))
  const approvals = createPendingApprovals({ now: Date.now })
  const clients = createClientKeeper(world.clients, {
    home: config.home,
    warn: (notice) => warn(notice),
  })
  const followClients = async (appUrl: string) => {
    for (const file of await clients.follow(appUrl)) tell({ event: 'client', ...file })
  }
  let settled = false
  let isReady = false
  let queue = Promise.resolve()
  const enqueue = (task: () => Promise<void> | void) => {
    queue = queue.then(() => (settled ? undefined : task())).catch(onBug)
  }
  const tell = (event: GatewayEvent) => {
    approvals.note(event)
    output.event(event)
    const text = news(event)
    // The ready screen will show what the servers are like.
    const isShownLater = event.event === 'upstream' && !isReady
    if (text !== undefined && !isShownLater) output.talk(text)
  }
  const warn = (notice: Notice) => tell({ event: 'warning', ...notice })
  const onReady = async (event: ReadyEvent) => {
    const screen = await readyScreen(event, { world, config, configFile })
    await address.follow(event)
    if (settled) return
    // Nothing is awaited from here on, so that no companion's output comes before the screen.
    isReady = true
    output.progress(undefined)
    output.event(event)
    output.answer(screen)
    options.onReady()
    clients.start(event)
    enqueue(() => followClients(event.appUrl))
  }
  return {
    approvals,
    /** Prints a notice of ours as a warning. */
    warn,
    /** Takes an event; what follows from it is done in order, one event after the other. */
    handle(event: GatewayEvent): void {
      if (settled) return
      if (event.event === 'progress') {
        output.event(event)
        output.progress(event.detail ? `${event.step}: ${event.detail}` : event.step)
      } else if (event.event === 'ready') enqueue(() => onReady(event))
      else if (event.event === 'stopped') options.onStopped(event.reason)
      else {
        if (event.event === 'url-changed') enqueue(() => address.follow(event))
        enqueue(() => tell(event))
        if (event.event === 'url-changed') enqueue(() => followClients(event.appUrl))
      }
    },
    /** Reports an edited configuration file that cannot be used. */
    reject(error: unknown) {
      if (!(error instanceof UserError)) return onBug(error)
      const { event: _error, ...failure } = failureEvent(error)
      enqueue(() => tell({ event: 'config', state: 'rejected', ...failure }))
    },
    /** Takes what was written into clients' files out again, when that was asked for. */
    undoClients: clients.undo,
    /** Takes over the companions of an edited configuration file. */
    applyProcesses: (next: GatewayFile) => enqueue(() => address.applyProcesses(next)),
    /** Starts nothing more; resolves when what was under way is done. */
    settle(): Promise<void> {
      settled = true
      return queue
    },
  }
}

/** Keeps files, lock and companions at the address of now. */
function createAddressKeeper(
  { world, config, lock, appUrlFiles, companions }: DevEventsOptions,
  warn: (notice: Notice) => void,
) {
  let processes = config.processes
  let current: string | undefined
  return {
    async follow({ appUrl, origins }: Pick<ReadyEvent, 'appUrl' | 'origins'>) {
      current = appUrl
      world.process.env.APP_URL = appUrl
      await appUrlFiles.set(appUrl).catch((error: unknown) => {
        // The gateway works without them, so this is worth a warning and no more.
        if (!(error instanceof UserError)) throw error
        const { event: _error, ...notice } = failureEvent(error)
        warn(notice)
      })
      await lock.announce(appUrl, origins)
      await companions.restart(processes, appUrl)
    },
    async applyProcesses(next: GatewayFile) {
      if (JSON.stringify(next.processes) === JSON.stringify(processes)) return
      processes = next.processes
      if (current !== undefined) await companions.restart(processes, current)
    },
  }
}

async function readyScreen(
  ready: ReadyEvent,
  { world, config, configFile }: { world: DevWorld; config: ResolvedConfig; configFile: string },
): Promise<string[]> {
  const certificateSource =
    ready.certFile === undefined ? undefined : await world.describeSigner(ready.caFile)
  return formatReady(ready, {
    screen: world.output.stdout,
    platform: world.platform,
    configFile,
    keys: world.keys,
    ...networkView(config),
    ...(certificateSource !== undefined && { certificateSource }),
    clients: world.clients?.chosen,
    written: world.clients?.write,
  })
}

/** What the screen says where others in the network reach us. */
function networkView({ listen, profiles, tunnels }: ResolvedConfig): Pick<ReadyView, 'network'> {
  if (exposureOfHost(listen.host) === 'loopback') return {}
  const open = Object.values(profiles).filter(
    ({ auth }) => auth === 'none' && tunnels.allowAnonymous,
  )
  return { network: { open: open.map(({ name }) => name) } }
}
