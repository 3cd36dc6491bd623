/** Names clients accept everywhere: Claude, OpenAI and VS Code refuse anything else. */
const clientSafeName = /^[A-Za-z0-9_-]{1,64}$/
const separator = '__'

/** How one upstream item is called by clients, or why it cannot be. */
export interface NameRules {
  readonly naming: 'auto' | 'prefix' | 'plain'
  /** Number of servers the profile names; decides `auto`. A server that is down still counts. */
  readonly serverCount: number
}

/**
 * The name clients see: a pure function of configuration, so it never shifts when an unrelated
 * server joins, leaves or fails. One server keeps its names; several get `server__name`.
 */
export function exposedName(server: string, name: string, rules: NameRules): string {
  const prefixed = rules.naming === 'prefix' || (rules.naming === 'auto' && rules.serverCount > 1)
  return prefixed ? sanitize(server) + separator + name : name
}

/** Why a name will be refused by clients, as a sentence fragment; undefined when it is fine. */
export function nameProblem(name: string): string | undefined {
  if (clientSafeName.test(name)) return undefined
  if (name.length > 64) return `is ${name.length} characters long; many clients accept at most 64`
  return 'has characters other than letters, digits, "_" and "-", which many clients refuse'
}

/** Before a URI that another server of the profile has as well (RFC 3986 3.1: a scheme of its own). */
export const serverPrefix = (server: string) => `${server.replace(/[^A-Za-z0-9.-]/g, '-')}+`

function sanitize(part: string): string {
  return part.replace(/[^A-Za-z0-9_-]/g, '_')
}
