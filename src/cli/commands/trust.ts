import { X509Certificate } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { confirm, isCancel } from '@clack/prompts'
import { loadConfig } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { messageOf, UserError } from '../../errors.ts'
import { openCertificate } from '../../gateway/open-certificate.ts'
import { createLogger } from '../../lib/logger.ts'
import { createRunCommand } from '../../lib/programs.ts'
import { authorityFiles, resolveMkcertRoot } from '../../tls/authority.ts'
import { lookAtAuthority } from '../../tls/configured-certificate.ts'
import { defaultCaRoot } from '../../tls/own-authority.ts'
import { findStores } from '../../tls/stores/find-stores.ts'
import {
  createInstalledRecord,
  inspectStores,
  installAuthority,
  removeInstalled,
} from '../../tls/stores/install-authority.ts'
import {
  argvOf,
  type Change,
  type ChangeOutcome,
  formatCommand,
  type StoreCommand,
  type StoreKind,
  type StoreReport,
  storeKinds,
  type TrustedAuthority,
} from '../../tls/stores/trust-store.ts'
import { updateHomeFile } from '../../tls/trust-files.ts'
import type { World } from '../output.ts'
import {
  formatCommands,
  formatNoAuthority,
  formatPlan,
  formatRemovals,
  formatStores,
  formatWslNote,
} from '../ui/trust-report.ts'

/** The options of `sallyport trust`, as they were typed. */
export interface TrustFlags {
  readonly status?: boolean
  readonly undo?: boolean
  readonly dryRun?: boolean
  /** Kinds of stores, separated by commas. */
  readonly only?: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** What the steps of the command share. */
type TrustRun = Awaited<ReturnType<typeof prepare>>

/**
 * Makes the machine's stores trust our authority, undoes that, or says how it stands.
 * @throws UserError USAGE for a store that is not known, or when nobody can be asked
 */
export async function trust(flags: TrustFlags, world: World): Promise<number> {
  const kinds = parseKinds(flags.only)
  if (flags.status && (flags.undo || flags.dryRun)) {
    throw new UserError('USAGE', '--status changes nothing, so nothing else goes with it.', {
      hint: 'Leave out --undo and --dry-run, or --status.',
    })
  }
  const run = await prepare(flags, { kinds, world })
  const isBlind = !flags.status && !flags.yes && !run.confirm
  if (flags.dryRun || isBlind) {
    const commands = await plan(run)
    if (flags.dryRun) return showPlan(commands, run)
    if (commands && commands.length > 0) throw nobodyToAsk(commands)
  }
  if (flags.undo) return undo(run)
  const authority = flags.status ? await run.lookAtAuthority() : await run.authority()
  if (!authority) return showAbsence(run)
  if (flags.status)
    return report(await inspectStores(run.stores, { authority }), { authority, run })
  const commands: string[] = []
  const reports = await installAuthority(run.stores, {
    authority,
    record: run.record,
    change: createChange(run, commands),
  })
  report(reports, { authority, run, commands })
  const present = reports.filter(({ status }) => status.state !== 'not-present')
  const isTrusted = present.every(({ status }) => status.state === 'trusted')
  return present.length > 0 && isTrusted ? 0 : 1
}

async function prepare(
  flags: TrustFlags,
  { kinds, world }: { kinds: readonly StoreKind[]; world: World },
) {
  const { output, process } = world
  const { platform } = process
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const { environment } = config
  const runCommand = createRunCommand(environment)
  const home = environment.HOME || homedir()
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY && !output.json
  return {
    flags,
    output,
    setting: { platform, isRoot: process.getuid?.() === 0 },
    /** Asks a person; undefined without a terminal. */
    confirm: isTerminal
      ? async (message: string) => {
          const answer = await confirm({ message, initialValue: false, output: process.stderr })
          return !isCancel(answer) && answer
        }
      : undefined,
    /** The authority that signs what is served, made when there is none yet. */
    authority: () => openAuthority(config, world),
    /** The same, and only looked for. */
    lookAtAuthority: () => lookForAuthority(config),
    stores: findStores(kinds, { platform, environment, home, run: runCommand }),
    record: createInstalledRecord(config.tls.caRoot ?? defaultCaRoot()),
    runCommand,
    /** Name of the WSL distribution we are in. */
    wsl: environment.WSL_DISTRO_NAME || undefined,
  }
}

/** Every command of every store, and none is run; undefined while there is no authority. */
async function plan(run: TrustRun): Promise<readonly string[] | undefined> {
  const { flags, stores } = run
  const commands: string[] = []
  const change: Change = async (wanted) => {
    commands.push(...wanted.map((command) => formatCommand(command, run.setting)))
    return { ok: false, problem: 'It was not run.' }
  }
  const record = { ...run.record, add: async () => {}, remove: async () => {} }
  if (flags.undo) {
    await removeInstalled(stores, { record, change })
    return commands
  }
  const authority = await (flags.dryRun ? run.lookAtAuthority() : run.authority())
  if (!authority) return undefined
  await installAuthority(stores, { authority, record, change })
  return commands
}

function showPlan(commands: readonly string[] | undefined, run: TrustRun): number {
  if (!commands) return showAbsence(run)
  const { output } = run
  output.data({ dryRun: true, commands })
  output.answer(formatPlan(commands, output.stdout))
  return 0
}

function showAbsence({ output }: TrustRun): number {
  output.data({ authority: null, stores: [] })
  output.answer(formatNoAuthority(output.stdout))
  return 0
}

function nobodyToAsk(commands: readonly string[]): UserError {
  return new UserError('USAGE', 'There is no terminal to ask whether this may be run:', {
    hint: `${commands.join('\n')}\nPass --yes to run it without being asked.`,
  })
}

function report(
  reports: readonly StoreReport[],
  {
    authority,
    run: { output, wsl },
    commands,
  }: { authority: TrustedAuthority; run: TrustRun; commands?: readonly string[] },
): number {
  const { fingerprint256 } = authority.certificate
  output.data({
    authority: { fingerprint256, file: authority.file },
    stores: reports.map(({ status, ...rest }) => ({ ...rest, ...status })),
    ...(commands && { commands }),
  })
  const view = { authority, screen: output.stdout, installed: commands !== undefined }
  output.answer(formatStores(reports, view))
  if (wsl !== undefined) output.talk(formatWslNote(authority.file, output.stderr))
  return 0
}

async function undo(run: TrustRun): Promise<number> {
  const { output, stores, record } = run
  const commands: string[] = []
  const change = createChange(run, commands)
  const removals = await removeInstalled(stores, { record, change })
  const left = await record.list()
  output.data({ removals, left, commands })
  output.answer(formatRemovals(removals, { left, screen: output.stdout }))
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

/** @param commands what was run, for `--json` */
function createChange(run: TrustRun, commands: string[]): Change {
  const { flags, output, setting, confirm } = run
  return async (wanted) => {
    const lines = wanted.map((command) => formatCommand(command, setting))
    output.talk(formatCommands(lines, output.stderr))
    if (!flags.yes && !(await confirm?.(lines.length > 1 ? 'Run these?' : 'Run this?'))) {
      return { ok: false, problem: 'You did not want it.' }
    }
    for (const [index, command] of wanted.entries()) {
      commands.push(lines[index] ?? '')
      const outcome = await runOne(command, run)
      if (!outcome.ok) return outcome
    }
    return { ok: true }
  }
}

async function runOne(
  command: StoreCommand,
  { runCommand, setting }: TrustRun,
): Promise<ChangeOutcome> {
  const argv = argvOf(command, setting)
  try {
    const { code, stdout, stderr } = await runCommand(argv, { terminal: true })
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

async function openAuthority(
  config: ResolvedConfig,
  { output, process }: World,
): Promise<TrustedAuthority> {
  const logger = createLogger({ level: config.logLevel, destination: { write: output.log } })
  const opened = await openCertificate(config, { file: () => config, logger })
  try {
    const { source, caCertPem } = opened.current()
    if (source === 'files' || caCertPem === undefined) throw notOurs()
    const mkcertRoot = resolveMkcertRoot(process.platform, config.tls.mkcertEnvironment)
    const file =
      source === 'mkcert' && mkcertRoot !== undefined
        ? authorityFiles(mkcertRoot).certFile
        : await withoutKey(config, caCertPem)
    return { certificate: new X509Certificate(caCertPem), file }
  } finally {
    await opened.close()
  }
}

async function lookForAuthority(config: ResolvedConfig): Promise<TrustedAuthority | undefined> {
  if (config.tls.certPath !== undefined) throw notOurs()
  const found = await lookAtAuthority(config)
  if (!found) return undefined
  const { source, certificate, file } = found
  return { certificate, file: source === 'mkcert' ? file : publicFile(config) }
}

/** A copy in a folder without the key: other programs are led there, some of them as root. */
async function withoutKey(config: ResolvedConfig, pem: string): Promise<string> {
  const file = publicFile(config)
  await updateHomeFile(file, pem, { mode: 0o644 })
  return file
}

function publicFile({ tls }: ResolvedConfig): string {
  return authorityFiles(join(tls.caRoot ?? defaultCaRoot(), 'public')).certFile
}

function notOurs(): UserError {
  return new UserError(
    'CA_UNUSABLE',
    'The certificate that is served is your own (SSL_CERT_PATH), so there is no authority of ours to trust.',
    { hint: 'Remove SSL_CERT_PATH and SSL_KEY_PATH to be served by our authority.' },
  )
}
