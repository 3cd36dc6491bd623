import dotenv from 'dotenv'
import { lineOfVariable } from '../editing/env-format.ts'
import { readUserFile } from '../editing/user-file.ts'
import { messageOf, UserError } from '../errors.ts'
import { type AppUrlJournal, withoutOurs } from './app-url-files.ts'
import { type Environment, environmentSchema, type VariableName } from './environment-schema.ts'
import { checkShape } from './problems.ts'

/** One place values come from; the first layer that has a non-empty value wins. */
interface EnvironmentLayer {
  readonly values: Readonly<Record<string, string | undefined>>
  /** Where a person finds the value, such as `the environment` or `.env line 3`. */
  readonly sourceOf: (name: VariableName) => string
}

/**
 * Merges the layers and checks every variable.
 * @throws UserError ENV_INVALID with a line per variable that breaks its rule
 */
export function resolveEnvironment(layers: readonly EnvironmentLayer[]): Environment {
  const names = environmentSchema.keyof().options
  const layerOf = (name: string) => layers.find((layer) => layer.values[name])
  const sourceOf = (name: VariableName) => layerOf(name)?.sourceOf(name) ?? 'its default'
  const value = Object.fromEntries(names.map((name) => [name, layerOf(name)?.values[name]]))
  const checked = checkShape(environmentSchema, value)
  const broken = checked.ok ? [] : checked.problems
  const problems = [
    ...broken.map(({ path, message }) => {
      const name = environmentSchema.keyof().parse(path[0])
      return `${name} (from ${sourceOf(name)}) ${message}`
    }),
    ...certificatePairProblem(value),
  ]
  if (!checked.ok || problems.length > 0) throw environmentInvalid(problems)
  return checked.value
}

function certificatePairProblem(value: Readonly<Record<string, string | undefined>>): string[] {
  const [present, absent] = value.SSL_CERT_PATH
    ? ['SSL_CERT_PATH', 'SSL_KEY_PATH']
    : ['SSL_KEY_PATH', 'SSL_CERT_PATH']
  if (Boolean(value.SSL_CERT_PATH) === Boolean(value.SSL_KEY_PATH)) return []
  return [`${absent} must be set as well, because ${present} is; a certificate needs its key`]
}

function environmentInvalid(problems: readonly string[]): UserError {
  const subject =
    problems.length === 1 ? 'A setting has a value' : `${problems.length} settings have values`
  return new UserError(
    'ENV_INVALID',
    `${subject} that cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    { hint: 'Correct it where it was set; .env.example explains every variable.' },
  )
}

/** What the command line says; wins over the environment and is checked by the same rules. */
export interface ConfigOverrides {
  readonly port?: string | number | undefined
  readonly httpsPort?: string | number | undefined
  readonly host?: string | undefined
  readonly tunnel?: string | undefined
  readonly configFile?: string | undefined
  readonly logLevel?: string | undefined
  /** False unless given. */
  readonly strictPort?: boolean | undefined
  /** False unless given. */
  readonly allowAnonymous?: boolean | undefined
  /** False unless given. */
  readonly anySubdomain?: boolean | undefined
  /** True unless given. */
  readonly https?: boolean | undefined
}

const flags = {
  port: ['PORT', '--port'],
  httpsPort: ['HTTPS_PORT', '--https-port'],
  host: ['HOST', '--host'],
  tunnel: ['TUNNEL', '--tunnel'],
  configFile: ['SALLYPORT_CONFIG', '--config'],
  logLevel: ['LOG_LEVEL', '--log-level'],
} as const satisfies Partial<Record<keyof ConfigOverrides, readonly [VariableName, string]>>

/** The flags that stand for a variable. */
export function flagLayer(overrides: ConfigOverrides): EnvironmentLayer {
  const given = Object.entries(flags).map(([key, [variable]]) => {
    const value = overrides[key as keyof typeof flags]
    return [variable, value?.toString()] as const
  })
  const names: ReadonlyMap<string, string> = new Map(Object.values(flags))
  return { values: Object.fromEntries(given), sourceOf: (name) => names.get(name) ?? name }
}

/** The variables of `.env`. */
export function dotenvLayer(file: DotenvFile): EnvironmentLayer {
  const sourceOf = (name: VariableName) => {
    const line = file.lineOf(name)
    return line === undefined ? '.env' : `.env line ${line}`
  }
  return { values: file.values, sourceOf }
}

/** The variables of an env file, and the line each one stands on. */
export interface DotenvFile {
  readonly values: Readonly<Record<string, string>>
  lineOf(name: string): number | undefined
}

/**
 * Reads an env file; one that does not exist is empty. With the journal of a gateway, APP_URL is
 * the user's own again, not the address that gateway wrote.
 * @throws UserError ENV_INVALID when it cannot be read
 */
export async function readDotenv(
  path: string,
  { journal }: { journal: AppUrlJournal | undefined },
): Promise<DotenvFile> {
  const file = await readUserFile(path).catch((cause: unknown) => {
    throw new UserError('ENV_INVALID', `${path} cannot be read: ${messageOf(cause)}.`, { cause })
  })
  const text = withoutOurs(file, journal)
  return { values: dotenv.parse(text), lineOf: (name) => lineOfVariable(text, name) }
}
