import { UserError } from '../errors.ts'
import { type Environment, environmentSchema, type VariableName } from './environment-schema.ts'
import { problemsOf } from './schema-problems.ts'

/** One place values come from; the first layer that has a non-empty value wins. */
export interface EnvironmentLayer {
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
  const parsed = environmentSchema.safeParse(value)
  const problems = parsed.error
    ? problemsOf(parsed.error.issues, { schema: environmentSchema, value }).map((problem) => {
        const name = environmentSchema.keyof().parse(problem.path[0])
        return `${name} (from ${sourceOf(name)}) ${problem.message}`
      })
    : []
  problems.push(...certificatePairProblem(value))
  if (!parsed.success || problems.length > 0) throw environmentInvalid(problems)
  return parsed.data
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
