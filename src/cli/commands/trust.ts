import { messageOf, UserError } from '../../errors.ts'
import type { RunCommand } from '../../lib/run-command.ts'
import {
  type InstalledRecord,
  inspectStores,
  installAuthority,
  removeInstalled,
} from '../../tls/stores/install-authority.ts'
import {
  argvOf,
  type Change,
  type ChangeOutcome,
  type CommandSetting,
  formatCommand,
  type StoreCommand,
  type StoreKind,
  type StoreReport,
  storeKinds,
  type TrustedAuthority,
  type TrustStore,
} from '../../tls/stores/trust-store.ts'
import type { TrustFlags } from '../command-actions.ts'
import type { Output } from '../output.ts'
import {
  formatCommands,
  formatNoAuthority,
  formatPlan,
  formatRemovals,
  formatStores,
  formatWslNote,
} from '../ui/trust-report.ts'

/** What `trust` is made of. */
export interface TrustDeps {
  readonly output: Output
  readonly setting: CommandSetting
  /** Asks a person; undefined without a terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined
  /** The authority that signs what is served, made when there is none yet. */
  readonly authority: () => Promise<TrustedAuthority>
  /** The same, and only looked for. */
  readonly lookAtAuthority: () => Promise<TrustedAuthority | undefined>
  readonly stores: (kinds: readonly StoreKind[]) => readonly TrustStore[]
  readonly record: InstalledRecord
  readonly run: RunCommand
  /** Name of the WSL distribution we are in. */
  readonly wsl: string | undefined
}

/**
 * Makes the machine's stores trust our authority, undoes that, or says how it stands.
 * @throws UserError USAGE for a store that is not known, or when nobody can be asked
 */
export async function runTrust(flags: TrustFlags, deps: TrustDeps): Promise<number> {
  const stores = deps.stores(parseKinds(flags.only))
  if (flags.status && (flags.undo || flags.dryRun)) {
    throw new UserError('USAGE', '--status changes nothing, so nothing else goes with it.', {
      hint: 'Leave out --undo and --dry-run, or --status.',
    })
  }
  const isBlind = !flags.status && !flags.yes && !deps.confirm
  if (flags.dryRun || isBlind) {
    const commands = await plan(stores, { flags, deps })
    if (flags.dryRun) return showPlan(commands, deps)
    if (commands && commands.length > 0) throw nobodyToAsk(commands)
  }
  if (flags.undo) return undo(stores, { flags, deps })
  const authority = flags.status ? await deps.lookAtAuthority() : await deps.authority()
  if (!authority) return showAbsence(deps)
  if (flags.status) return report(await inspectStores(stores, { authority }), { authority, deps })
  const commands: string[] = []
  const reports = await installAuthority(stores, {
    authority,
    record: deps.record,
    change: createChange({ flags, deps, commands }),
  })
  report(reports, { authority, deps, commands })
  const present = reports.filter(({ status }) => status.state !== 'not-present')
  const isTrusted = present.every(({ status }) => status.state === 'trusted')
  return present.length > 0 && isTrusted ? 0 : 1
}

/** Every command of every store, and none is run; undefined while there is no authority. */
async function plan(
  stores: readonly TrustStore[],
  { flags, deps }: { flags: TrustFlags; deps: TrustDeps },
): Promise<readonly string[] | undefined> {
  const commands: string[] = []
  const change: Change = async (wanted) => {
    commands.push(...wanted.map((command) => formatCommand(command, deps.setting)))
    return { ok: false, problem: 'It was not run.' }
  }
  const record = { ...deps.record, add: async () => {}, remove: async () => {} }
  if (flags.undo) {
    await removeInstalled(stores, { record, change })
    return commands
  }
  const authority = await (flags.dryRun ? deps.lookAtAuthority() : deps.authority())
  if (!authority) return undefined
  await installAuthority(stores, { authority, record, change })
  return commands
}

function showPlan(commands: readonly string[] | undefined, deps: TrustDeps): number {
  if (!commands) return showAbsence(deps)
  const { output } = deps
  output.data({ dryRun: true, commands })
  output.answer(formatPlan(commands, output.screen('stdout')))
  return 0
}

function showAbsence({ output }: TrustDeps): number {
  output.data({ authority: null, stores: [] })
  output.answer(formatNoAuthority(output.screen('stdout')))
  return 0
}

function nobodyToAsk(commands: readonly string[]): UserError {
  return new UserError('USAGE', 'There is no terminal to ask whether this may be run:', {
    hint: `${commands.join('\n')}\nPass --yes to run it without being asked.`,
  })
}

function report(
  reports: readonly StoreReport[],
  options: { authority: TrustedAuthority; deps: TrustDeps; commands?: readonly string[] },
): number {
  const { authority, deps, commands } = options
  const { output } = deps
  const { fingerprint256 } = authority.certificate
  output.data({
    authority: { fingerprint256, file: authority.file },
    stores: reports.map(({ status, ...rest }) => ({ ...rest, ...status })),
    ...(commands && { commands }),
  })
  const screen = output.screen('stdout')
  output.answer(formatStores(reports, { authority, screen, installed: commands !== undefined }))
  if (deps.wsl !== undefined) output.talk(formatWslNote(authority.file, output.screen('stderr')))
  return 0
}

async function undo(
  stores: readonly TrustStore[],
  { flags, deps }: { flags: TrustFlags; deps: TrustDeps },
): Promise<number> {
  const commands: string[] = []
  const change = createChange({ flags, deps, commands })
  const removals = await removeInstalled(stores, { record: deps.record, change })
  const left = await deps.record.list()
  deps.output.data({ removals, left, commands })
  deps.output.answer(formatRemovals(removals, { left, screen: deps.output.screen('stdout') }))
  return removals.every(({ removed }) => removed) ? 0 : 1
}

function parseKinds(only: string | undefined): readonly StoreKind[] {
  if (only === undefined) return storeKinds
  const names = only.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !storeKinds.some((kind) => kind === name))
  if (unknown !== undefined) {
    throw new UserError('USAGE', `There is no store ${JSON.stringify(unknown)}.`, {
      hint: `--only takes ${storeKinds.join(', ')}, separated by commas.`,
    })
  }
  return storeKinds.filter((kind) => names.includes(kind))
}

function createChange(options: {
  flags: TrustFlags
  deps: TrustDeps
  /** What was run, for `--json`. */
  commands: string[]
}): Change {
  const { flags, deps, commands } = options
  const { output, setting, confirm } = deps
  return async (wanted) => {
    const lines = wanted.map((command) => formatCommand(command, setting))
    output.talk(formatCommands(lines, output.screen('stderr')))
    if (!flags.yes && !(await confirm?.(lines.length > 1 ? 'Run these?' : 'Run this?'))) {
      return { ok: false, problem: 'You did not want it.' }
    }
    for (const [index, command] of wanted.entries()) {
      commands.push(lines[index] ?? '')
      const outcome = await runOne(command, deps)
      if (!outcome.ok) return outcome
    }
    return { ok: true }
  }
}

async function runOne(
  command: StoreCommand,
  { run, setting }: Pick<TrustDeps, 'run' | 'setting'>,
): Promise<ChangeOutcome> {
  const argv = argvOf(command, setting)
  try {
    const { code, stdout, stderr } = await run(argv, { terminal: true })
    if (code === 0) return { ok: true }
    const said = `${stdout}${stderr}`.trim()
    return {
      ok: false,
      problem: `${argv[0]} ended with ${code ?? 'a signal'}${said && `: ${said}`}`,
    }
  } catch (error) {
    const asRoot = argv[0] === 'sudo' ? ' Run this command as root instead.' : ''
    return { ok: false, problem: `${argv[0]} cannot be run: ${messageOf(error)}.${asRoot}` }
  }
}
