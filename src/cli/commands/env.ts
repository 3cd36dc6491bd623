import { join } from 'node:path'
import {
  type RuntimeTrust,
  runtimeTrust,
  selectRuntimes,
  variablesOf,
} from '../../clients/runtime-trust.ts'
import type { TrustVariable } from '../../clients/trust-variables.ts'
import { loadConfig } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import { openCertificate } from '../../gateway/open-certificate.ts'
import { createLogger } from '../../lib/logger.ts'
import { createRunCommand } from '../../lib/programs.ts'
import {
  commentLine,
  detectShell,
  evalLine,
  exportLine,
  type ShellName,
  shellNames,
} from '../../lib/shell.ts'
import { findJava, javaToolOptions, writeJavaTrustStore } from '../../tls/java.ts'
import { writeCombinedFile } from '../../tls/trust-files.ts'
import type { World } from '../output.ts'
import type { Screen } from '../ui/screen.ts'

/** The options of `sallyport env`, as they were typed. */
export interface EnvFlags {
  readonly shell?: string
  readonly client?: string
  readonly json?: boolean
}

/** Where clients find whom to trust; absolute paths. */
interface TrustPaths {
  readonly ca: string
  readonly bundle: string
}

/** One variable to set, and what a person should know of it. */
interface EnvVariable {
  readonly name: string
  /** Undefined when it cannot be set here. */
  readonly value: string | undefined
  /** Sentences. */
  readonly notes: readonly string[]
}

/**
 * Prints the variables by which runtimes and clients trust what we serve, as lines of a shell.
 * @throws UserError USAGE for a shell or client that is not known
 */
export async function env(flags: EnvFlags, { output, process }: World): Promise<number> {
  const runtimes = selectRuntimes(flags.client)
  const asked = flags.shell === undefined ? undefined : requireShell(flags.shell)
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const { environment } = config
  const paths = await makeTrustFiles(config, output.log)
  const shell = asked ?? detectShell(process.platform, environment)
  const variables: EnvVariable[] = []
  for (const { variable, readers } of variablesOf(runtimes)) {
    variables.push(await resolveVariable(variable, { readers, paths, config }))
  }
  if (runtimes.some(({ name }) => name === 'java')) {
    variables.push(await resolveJava(paths, { config, platform: process.platform }))
  }
  output.data({ shell, files: paths, variables })
  output.answer(formatEnv(shell, variables))
  if (process.stdout.isTTY) {
    const others = runtimeTrust.filter((runtime: RuntimeTrust) => !runtimes.includes(runtime))
    output.talk(
      formatEvalHelp(
        { shell, client: flags.client, others: others.map(({ name }) => name) },
        output.stderr,
      ),
    )
  }
  return 0
}

function requireShell(name: string): ShellName {
  const known = shellNames.find((shell) => shell === name)
  if (known) return known
  throw new UserError('USAGE', `There is no shell ${JSON.stringify(name)}.`, {
    hint: `Known are ${shellNames.join(', ')}; sh, dash and ksh read what is made for bash.`,
  })
}

async function resolveVariable(
  { name, file }: TrustVariable,
  options: {
    readers: readonly string[]
    paths: TrustPaths
    config: ResolvedConfig
  },
): Promise<EnvVariable> {
  const readers = options.readers.join(', ')
  const ours = options.paths[file]
  const purpose =
    file === 'ca'
      ? `${readers}: adds our authority to the built-in roots.`
      : `${readers}: replaces the roots, so the file holds those of the system as well.`
  const existing = options.config.environment[name]
  if (!existing || existing === ours) return { name, value: ours, notes: [purpose] }
  const combined = await writeCombinedFile({
    folder: folderOf(options.config),
    variable: name,
    existing,
    ours,
  })
  if (combined.ok && combined.file === ours) return { name, value: ours, notes: [purpose] }
  return combined.ok
    ? { name, value: combined.file, notes: [purpose, alreadySet(existing, combined.file)] }
    : {
        name,
        value: ours,
        notes: [purpose, `It was set to ${existing}, which is left out: ${combined.reason}.`],
      }
}

function alreadySet(existing: string, file: string): string {
  return existing === file
    ? 'The file also holds what the variable named before.'
    : `It is set to ${existing} already: the file below holds what that one holds, and ours.`
}

async function resolveJava(
  paths: TrustPaths,
  { config, platform }: { config: ResolvedConfig; platform: NodeJS.Platform },
): Promise<EnvVariable> {
  const name = 'JAVA_TOOL_OPTIONS'
  const { environment } = config
  const java = findJava(environment, platform)
  if (!java) {
    const note =
      'Java reads no PEM file, and no keytool was found to make a trust store: install a JDK, or set JAVA_HOME.'
    return { name, value: undefined, notes: [note] }
  }
  const run = createRunCommand(environment)
  const folder = folderOf(config)
  const store = await writeJavaTrustStore({ folder, caFile: paths.ca, java, run })
  const note = 'Java: a trust store with what this Java trusts and our authority.'
  return { name, value: javaToolOptions(store, environment.JAVA_TOOL_OPTIONS), notes: [note] }
}

function folderOf({ home }: ResolvedConfig): string {
  return join(home, 'certs')
}

/** The trust files, which are made when there are none yet. */
async function makeTrustFiles(
  config: ResolvedConfig,
  write: (line: string) => void,
): Promise<TrustPaths> {
  const logger = createLogger({ level: config.logLevel, destination: { write } })
  const certificate = await openCertificate(config, { file: () => config, logger })
  try {
    await certificate.bundleWritten()
    return requirePaths(certificate)
  } finally {
    await certificate.close()
  }
}

function requirePaths(files: {
  caFile: string | undefined
  bundleFile: string | undefined
}): TrustPaths {
  const { caFile, bundleFile } = files
  if (caFile !== undefined && bundleFile !== undefined) return { ca: caFile, bundle: bundleFile }
  throw new UserError(
    'CA_UNUSABLE',
    'The certificate that is served is your own, and the root it leads to was not found here.',
    {
      hint: 'Name the PEM file of that root in SSL_CA_PATH; if clients trust it already, nothing has to be set.',
    },
  )
}

/** What `env` prints: nothing but lines the shell can run. */
function formatEnv(
  shell: ShellName,
  variables: readonly { name: string; value: string | undefined; notes: readonly string[] }[],
): string[] {
  return variables.flatMap(({ name, value, notes }) => [
    ...notes.map((note) => commentLine(shell, note)),
    ...(value === undefined ? [] : [exportLine(shell, name, value)]),
  ])
}

/** How to take the lines over, for somebody who reads them in a terminal. */
function formatEvalHelp(
  options: { shell: ShellName; client: string | undefined; others: readonly string[] },
  screen: Screen,
): string[] {
  const { shell, client, others } = options
  const flags = `--shell ${shell}${client === undefined ? '' : ` --client ${client}`}`
  const line = evalLine(shell, `pnpm -s sallyport env ${flags}`)
  return [
    '',
    ...screen.prose(line ? 'Take them over in this shell with' : 'Paste them to take them over.'),
    ...(line ? screen.code(line) : []),
    ...screen.prose(`With --client there are also ${others.join(', ')}.`),
    '',
  ]
}
