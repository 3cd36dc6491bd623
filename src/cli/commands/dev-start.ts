import type { Recovery, RestoredFile } from '../../config/app-url-files.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { messageOf } from '../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import { createLogger } from '../../lib/logger.ts'
import { shortPath } from '../../lib/wording.ts'
import type { Companions } from '../companions.ts'
import type { EmergencyExit, StopReason } from '../stop-reasons.ts'
import { undoneSentence } from '../ui/clients.ts'
import { createDevEvents, type DevEvents } from './dev-events.ts'
import { listenToDevKeys } from './dev-keys.ts'
import type { DevWorld } from './dev-world.ts'

export interface DevStart {
  readonly world: DevWorld
  /** Gets one step for everything that is started; the last started ends first. */
  readonly undo: AsyncDisposableStack
  readonly emergency: EmergencyExit
  readonly stop: PromiseWithResolvers<StopReason>
  /** Aborts when `stop` is settled: nothing more is started then, and nothing more told. */
  readonly signal: AbortSignal
  /** Ctrl-C as a key. */
  readonly interrupt: () => void
}

/**
 * Starts everything `dev` is made of. When it rejects, `undo` still holds what was started.
 * @throws UserError when the configuration, the folder, or what the gateway needs cannot be used, or
 * the signal's reason
 */
export async function startDev(context: DevStart): Promise<void> {
  const { world, undo, emergency, stop, signal, interrupt } = context
  const { output } = world
  const onBug = (error: unknown) => stop.resolve({ kind: 'bug', error })
  const { config, warnings } = await world.loadConfig()
  const lock = await world.takeInstanceLock(config.home)
  emergency.add(lock.release)
  undo.defer(lock.release)
  const appUrlFiles = world.openAppUrlFiles(config)
  const recovery = await appUrlFiles.recover()
  undo.defer(async () => {
    const files = formatRestored(await appUrlFiles.restore(), config.projectDir)
    if (files !== undefined) output.talk(`  ${files}`)
  })
  let gateway: Gateway | undefined
  undo.defer(async () => gateway?.close())
  const companions = createReportingCompanions(world, (notice) => events.warn(notice))
  emergency.add(companions.kill)
  undo.defer(companions.stop)
  const ready = Promise.withResolvers<void>()
  const events = createDevEvents({
    world,
    config,
    lock,
    appUrlFiles,
    companions,
    onBug,
    onReady: ready.resolve,
    onStopped: (reason) => stop.resolve({ kind: 'gateway', reason }),
  })
  undo.defer(async () => {
    for (const one of await events.undoClients()) {
      output.event({ event: 'client', ...one })
      output.talk(`  ${undoneSentence(one, config.projectDir)}`)
    }
  })
  undo.defer(events.settle)
  signal.addEventListener('abort', events.settle)
  for (const message of warnings) events.warn({ code: 'CONFIG', message })
  const repaired = formatRecovery(recovery, config.projectDir)
  if (repaired !== undefined) events.warn({ code: 'APP_URL_RECOVERED', message: repaired })
  const logger = createLogger({ level: config.logLevel, destination: { write: output.log } })
  const writeDebug = (block: string) => output.log(`${block}\n`)
  signal.throwIfAborted()
  const onEvent = events.handle
  gateway = await world.startGateway({ config, logger, onEvent, writeDebug, signal })
  await followConfig({ context, config, gateway, events })
  void ready.promise.then(() => {
    if (!world.keys || !gateway || undo.disposed) return
    const stopKeys = listenToDevKeys({
      world,
      config,
      gateway,
      approvals: events.approvals,
      onBug,
      onInterrupt: interrupt,
    })
    emergency.add(stopKeys)
    undo.defer(stopKeys)
  })
}

function createReportingCompanions(
  { createCompanions, output }: DevWorld,
  warn: DevEvents['warn'],
): Companions {
  return createCompanions({
    write: output.companion,
    color: output.stdout.style.isColorSupported,
    graceMs: 5000,
    onExit({ name, outcome }) {
      const how = typeof outcome === 'number' ? `exit code ${outcome}` : outcome
      const hint = 'It is started again when the address or its entry in dev.processes changes.'
      warn({ code: 'COMPANION_ENDED', message: `Companion "${name}" ended: ${how}.`, hint })
    },
  })
}

/** Applies edits of the configuration file, one after the other. */
async function followConfig({
  context: { world, undo },
  config,
  gateway,
  events,
}: {
  context: DevStart
  config: ResolvedConfig
  gateway: Gateway
  events: DevEvents
}): Promise<void> {
  const watching = new AbortController()
  let applying = Promise.resolve()
  undo.defer(async () => {
    watching.abort()
    await applying
  })
  const apply = async () => {
    const next = await world.reloadGatewayFile(config)
    await gateway.applyFile(next)
    events.applyProcesses(next)
  }
  await world.watchConfig(config, {
    signal: watching.signal,
    onChange() {
      applying = applying.then(apply).catch(events.reject)
    },
    onMissing: () =>
      events.warn({
        code: 'CONFIG_MISSING',
        message: `${shortPath(config.configFile, config.projectDir)} is gone; what it said last stays in use.`,
        hint: 'Put it back: the next start needs it.',
      }),
    onError: (error) =>
      events.warn({
        code: 'CONFIG_NOT_WATCHED',
        message: `Edits of the configuration file are not noticed: ${messageOf(error)}.`,
        hint: 'Restart after editing it.',
      }),
  })
}

/**
 * What became of the APP_URL lines when we stopped; `undefined` when there were none.
 * @internal
 */
export function formatRestored(files: readonly RestoredFile[], folder: string): string | undefined {
  if (files.length === 0) return undefined
  return files.map((file) => formatFile(file, shortPath(file.path, folder))).join(' ')
}

function formatFile(file: RestoredFile, path: string): string {
  switch (file.outcome) {
    case 'restored':
    case 'unchanged':
      return `APP_URL in ${path} is as it was before.`
    case 'removed':
      return `${path}, which did not exist before, is gone again.`
    case 'edited':
      return `APP_URL in ${path} was changed meanwhile and was left alone.`
    case 'failed':
      return `APP_URL in ${path} could not be put back (${file.message}); the next start tries again.`
  }
}

/** What was repaired after a run that did not end properly; `undefined` when nothing was. */
function formatRecovery(recovery: Recovery, folder: string): string | undefined {
  if (recovery.state !== 'recovered') return undefined
  const sentences = formatRestored(recovery.files, folder)
  return sentences && `The last run did not end properly. ${sentences}`
}
