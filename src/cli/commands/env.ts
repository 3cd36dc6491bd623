import {
  type RuntimeTrust,
  runtimeTrust,
  selectRuntimes,
  variablesOf,
} from '../../clients/runtime-trust.ts'
import type { TrustVariable } from '../../clients/trust-variables.ts'
import { UserError } from '../../errors.ts'
import { detectShell, type ShellName, shellNames } from '../../lib/shell.ts'
import type { CombinedFile } from '../../tls/trust-files.ts'
import type { EnvFlags } from '../command-actions.ts'
import type { Output } from '../output.ts'
import { formatEnv, formatEvalHelp } from '../ui/env-lines.ts'

/** Where clients find whom to trust; absolute paths. */
export interface TrustPaths {
  readonly ca: string
  readonly bundle: string
}

/** What `env` is made of. */
export interface EnvDeps {
  readonly output: Output
  readonly platform: NodeJS.Platform
  /** Whether a person reads what is printed. */
  readonly isTerminal: boolean
  /** The environment, and the trust files, which are made when there are none yet. */
  readonly open: () => Promise<{
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly paths: TrustPaths
  }>
  /** Makes one file of what a variable names already and of ours. */
  readonly combine: (options: {
    variable: string
    existing: string
    ours: string
  }) => Promise<CombinedFile>
  /** The value of JAVA_TOOL_OPTIONS; undefined without a Java. */
  readonly javaOptions: (paths: TrustPaths) => Promise<string | undefined>
}

/** One variable to set, and what a person should know of it. */
export interface EnvVariable {
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
export async function runEnv(flags: EnvFlags, deps: EnvDeps): Promise<number> {
  const { output, platform } = deps
  const runtimes = selectRuntimes(flags.client)
  const asked = flags.shell === undefined ? undefined : requireShell(flags.shell)
  const { environment, paths } = await deps.open()
  const shell = asked ?? detectShell(platform, environment)
  const variables: EnvVariable[] = []
  for (const { variable, readers } of variablesOf(runtimes)) {
    variables.push(await resolveVariable(variable, { readers, environment, paths, deps }))
  }
  if (runtimes.some(({ name }) => name === 'java')) {
    variables.push(await resolveJava(paths, deps))
  }
  output.data({ shell, files: paths, variables })
  output.answer(formatEnv(shell, variables))
  if (deps.isTerminal) {
    const others = runtimeTrust.filter((runtime: RuntimeTrust) => !runtimes.includes(runtime))
    output.talk(
      formatEvalHelp(
        { shell, client: flags.client, others: others.map(({ name }) => name) },
        output.screen('stderr'),
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
    environment: Readonly<Record<string, string | undefined>>
    paths: TrustPaths
    deps: EnvDeps
  },
): Promise<EnvVariable> {
  const readers = options.readers.join(', ')
  const ours = options.paths[file]
  const purpose =
    file === 'ca'
      ? `${readers}: adds our authority to the built-in roots.`
      : `${readers}: replaces the roots, so the file holds those of the system as well.`
  const existing = options.environment[name]
  if (!existing || existing === ours) return { name, value: ours, notes: [purpose] }
  const combined = await options.deps.combine({ variable: name, existing, ours })
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

async function resolveJava(paths: TrustPaths, { javaOptions }: EnvDeps): Promise<EnvVariable> {
  const name = 'JAVA_TOOL_OPTIONS'
  const value = await javaOptions(paths)
  if (value !== undefined) {
    const note = 'Java: a trust store with what this Java trusts and our authority.'
    return { name, value, notes: [note] }
  }
  const note =
    'Java reads no PEM file, and no keytool was found to make a trust store: install a JDK, or set JAVA_HOME.'
  return { name, value: undefined, notes: [note] }
}
