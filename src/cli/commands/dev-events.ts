import type { AppUrlFiles } from '../../config/env-file.ts'
import type { InstanceLock } from '../../config/instance-lock.ts'
import type { GatewayFile, ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import type { GatewayEvent, ReadyEvent } from '../../gateway-events.ts'
import { shortPath } from '../../lib/short-path.ts'
import { exposureOfHost } from '../../origin/exposure.ts'
import type { Companions } from '../companions.ts'
import { createPendingApprovals, type PendingApprovals } from '../pending-approvals.ts'
import { failureEvent } from '../ui/failure.ts'
import { createNewsFormatter } from '../ui/news.ts'
import { formatReady, type ReadyView } from '../ui/ready.ts'
import { type ClientFollower, createClientFollower } from './dev-clients.ts'
import type { DevDeps, Finding } from './dev-deps.ts'

/** What follows from the gateway's events: files, companions, and what is printed. */
export interface DevEvents {
  readonly approvals: PendingApprovals
  /** Takes an event; what follows from it is done in order, one event after the other. */
  handle(event: GatewayEvent): void
  /** Prints a finding of ours as a warning. */
  warn(finding: Finding): void
  /** Reports an edited configuration file that cannot be used. */
  reject(error: unknown): void
  /** Takes what was written into clients' files out again, when that was asked for. */
  undoClients: ClientFollower['undo']
  /** Takes over the companions of an edited configuration file. */
  applyProcesses(next: GatewayFile): void
  /** Starts nothing more; resolves when what was under way is done. */
  settle(): Promise<void>
}

export interface DevEventsOptions {
  readonly deps: DevDeps
  readonly config: ResolvedConfig
  readonly lock: InstanceLock
  readonly appUrlFiles: AppUrlFiles
  readonly companions: Companions
  readonly onReady: () => void
  /** The gateway stopped by itself. */
  readonly onStopped: (reason: string) => void
  readonly onBug: (error: unknown) => void
}

/** Creates the handler of the gateway's events. */
export function createDevEvents(options: DevEventsOptions): DevEvents {
  const { deps, config, onBug } = options
  const { output } = deps
  const configFile = shortPath(config.configFile, config.projectDir)
  const news = createNewsFormatter({ screen: output.screen('stderr'), configFile })
  const address = createAddressFollower(options, (finding) => warn(finding))
  const approvals = createPendingApprovals({ now: Date.now })
  const clients = createClientFollower(deps.clients, {
    home: config.home,
    warn: (finding) => warn(finding),
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
  const warn = (finding: Finding) => tell({ event: 'warning', ...finding })
  const onReady = async (event: ReadyEvent) => {
    const screen = await readyScreen(event, { deps, config, configFile })
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
    warn,
    handle(event) {
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
    reject(error) {
      if (!(error instanceof UserError)) return onBug(error)
      const { event: _error, ...failure } = failureEvent(error)
      enqueue(() => tell({ event: 'config', state: 'rejected', ...failure }))
    },
    undoClients: clients.undo,
    applyProcesses: (next) => enqueue(() => address.applyProcesses(next)),
    settle() {
      settled = true
      return queue
    },
  }
}

/** Keeps files, lock and companions at the address of now. */
function createAddressFollower(
  { deps, config, lock, appUrlFiles, companions }: DevEventsOptions,
  warn: (finding: Finding) => void,
) {
  let processes = config.processes
  let current: string | undefined
  return {
    async follow({ appUrl, origins }: Pick<ReadyEvent, 'appUrl' | 'origins'>) {
      current = appUrl
      deps.process.env.APP_URL = appUrl
      await appUrlFiles.set(appUrl).catch((error: unknown) => {
        // The gateway works without them, so this is worth a warning and no more.
        if (!(error instanceof UserError)) throw error
        const { event: _error, ...finding } = failureEvent(error)
        warn(finding)
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
  { deps, config, configFile }: { deps: DevDeps; config: ResolvedConfig; configFile: string },
): Promise<string> {
  const certificateSource =
    ready.certFile === undefined ? undefined : await deps.describeSigner(ready.caFile)
  return formatReady(ready, {
    screen: deps.output.screen('stdout'),
    platform: deps.platform,
    configFile,
    keys: deps.keys,
    ...networkView(config),
    ...(certificateSource !== undefined && { certificateSource }),
    clients: deps.clients?.chosen,
    written: deps.clients?.write,
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
