import { UserError } from '../errors.ts'
import { nearestName } from '../lib/nearest-name.ts'
import { mcpClients } from './mcp-clients.ts'
import { nodeExtraCaCerts, sslCertFile, type TrustVariable } from './trust-variables.ts'

/** A runtime or client, and how it is told whom to trust. */
export interface RuntimeTrust {
  /** What `sallyport env --client` calls it. */
  readonly name: string
  readonly label: string
  readonly variables: readonly TrustVariable[]
  /** Whether it is among those that are printed when none is named. */
  readonly common: boolean
}

const add = (name: string): TrustVariable => ({ name, file: 'ca' })
const replace = (name: string): TrustVariable => ({ name, file: 'bundle' })

/** Java is not told by a variable: what it takes is no PEM file, see `src/tls/java.ts`. */
const runtimes: readonly RuntimeTrust[] = [
  { name: 'node', label: 'Node', common: true, variables: [nodeExtraCaCerts] },
  {
    name: 'python',
    label: 'Python',
    common: true,
    variables: [sslCertFile, replace('REQUESTS_CA_BUNDLE')],
  },
  { name: 'curl', label: 'curl', common: true, variables: [replace('CURL_CA_BUNDLE')] },
  { name: 'git', label: 'git', common: true, variables: [replace('GIT_SSL_CAINFO')] },
  { name: 'deno', label: 'Deno', common: true, variables: [add('DENO_CERT')] },
  { name: 'bun', label: 'Bun', common: true, variables: [nodeExtraCaCerts] },
  { name: 'java', label: 'Java', common: false, variables: [] },
]

/** Whatever can be told: runtimes, and the clients that read a variable when they start. */
export const runtimeTrust: readonly RuntimeTrust[] = [
  ...runtimes,
  ...mcpClients.flatMap(({ id, title, trust }) =>
    trust && !trust.inEntry
      ? [{ name: id, label: title, common: false, variables: [trust.variable] }]
      : [],
  ),
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
