import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { messageOf } from '../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import { createLogger } from '../../lib/logger.ts'
import { shortPath } from '../../lib/short-path.ts'
import type { Companions } from '../companions.ts'
import type { EmergencyExit } from '../emergency-exit.ts'
import type { StopReason } from '../stop-reasons.ts'
import { formatRecovery, formatRestored } from '../ui/app-url-files.ts'
import { undoneSentence } from '../ui/clients.ts'
import type { DevDeps } from './dev-deps.ts'
import { createDevEvents, type DevEvents } from './dev-events.ts'
import { listenToDevKeys } from './dev-keys.ts'

export interface DevStart {
  readonly deps: DevDeps
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
  const { deps, undo, emergency, stop, signal, interrupt } = context
  const { output } = deps
  const onBug = (error: unknown) => stop.resolve({ kind: 'bug', error })
  const { config, warnings } = await deps.loadConfig()
  const lock = await deps.takeInstanceLock(config.home)
  emergency.add(lock.release)
  undo.defer(lock.release)
  const appUrlFiles = deps.openAppUrlFiles(config)
  const recovery = await appUrlFiles.recover()
  undo.defer(async () => {
    const files = formatRestored(await appUrlFiles.restore(), config.projectDir)
    if (files !== undefined) output.talk(`  ${files}`)
  })
  let gateway: Gateway | undefined
  undo.defer(async () => gateway?.close())
  const companions = createReportingCompanions(deps, (finding) => events.warn(finding))
  emergency.add(companions.kill)
  undo.defer(companions.stop)
  const ready = Promise.withResolvers<void>()
  const events = createDevEvents({
    deps,
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
  gateway = await deps.startGateway({ config, logger, onEvent, writeDebug, signal })
  await followConfig({ context, config, gateway, events })
  void ready.promise.then(() => {
    if (!deps.keys || !gateway || undo.disposed) return
    const stopKeys = listenToDevKeys({
      deps,
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
  { createCompanions, output }: DevDeps,
  warn: DevEvents['warn'],
): Companions {
  return createCompanions({
    write: output.companion,
    color: output.screen('stdout').style.isColorSupported,
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
  context: { deps, undo },
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
    const next = await deps.reloadGatewayFile(config)
    await gateway.applyFile(next)
    events.applyProcesses(next)
  }
  await deps.watchConfig(config, {
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
