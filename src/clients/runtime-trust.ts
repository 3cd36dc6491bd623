import { UserError } from '../errors.ts'
import { nearestName } from '../lib/nearest-name.ts'
import type { TrustVariable } from './trust-variable.ts'

/** A runtime or client, and how it is told whom to trust. */
export interface RuntimeTrust {
  /** What `sallyport env --client` calls it. */
  readonly name: string
  readonly label: string
  readonly variables: readonly TrustVariable[]
  /** Whether it is among those that are printed when none is named. */
  readonly common: boolean
}

const add = (name: string): TrustVariable => ({ name, value: { file: 'ca' } })
const replace = (name: string): TrustVariable => ({ name, value: { file: 'bundle' } })

const nodeRuntimes = [add('NODE_EXTRA_CA_CERTS')]

/** Java is not among them: what it takes is no PEM file, see `src/tls/java-trust.ts`. */
export const runtimeTrust: readonly RuntimeTrust[] = [
  { name: 'node', label: 'Node', common: true, variables: nodeRuntimes },
  {
    name: 'python',
    label: 'Python',
    common: true,
    variables: [replace('SSL_CERT_FILE'), replace('REQUESTS_CA_BUNDLE')],
  },
  { name: 'curl', label: 'curl', common: true, variables: [replace('CURL_CA_BUNDLE')] },
  { name: 'git', label: 'git', common: true, variables: [replace('GIT_SSL_CAINFO')] },
  { name: 'deno', label: 'Deno', common: true, variables: [add('DENO_CERT')] },
  { name: 'bun', label: 'Bun', common: true, variables: nodeRuntimes },
  { name: 'java', label: 'Java', common: false, variables: [] },
  { name: 'claude-code', label: 'Claude Code', common: false, variables: nodeRuntimes },
  {
    name: 'codex',
    label: 'Codex',
    common: false,
    variables: [replace('CODEX_CA_CERTIFICATE'), replace('SSL_CERT_FILE')],
  },
  { name: 'gemini-cli', label: 'Gemini CLI', common: false, variables: nodeRuntimes },
]

/**
 * The runtime of that name, or the common ones without a name.
 * @throws UserError USAGE for a name that is not known
 */
export function selectRuntimes(name: string | undefined): readonly RuntimeTrust[] {
  if (name === undefined) return runtimeTrust.filter(({ common }) => common)
  const found = runtimeTrust.filter((runtime) => runtime.name === name)
  if (found.length > 0) return found
  const names = runtimeTrust.map((runtime) => runtime.name)
  const nearest = nearestName(name, names)
  throw new UserError('USAGE', `There is no client ${JSON.stringify(name)}.`, {
    hint: `${nearest ? `Did you mean ${nearest}? ` : ''}Known are ${names.join(', ')}.`,
  })
}

/** Each variable once, with the labels of all that read it. */
export function variablesOf(
  runtimes: readonly RuntimeTrust[],
): readonly { readonly variable: TrustVariable; readonly readers: readonly string[] }[] {
  const byName = new Map<string, { variable: TrustVariable; readers: string[] }>()
  for (const { label, variables } of runtimes) {
    for (const variable of variables) {
      const known = byName.get(variable.name)
      if (known) known.readers.push(label)
      else byName.set(variable.name, { variable, readers: [label] })
    }
  }
  return [...byName.values()]
}
