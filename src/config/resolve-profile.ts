import picomatch from 'picomatch'
import { nearestName } from '../lib/nearest-name.ts'
import type { ProfileInput } from './gateway-file-schema.ts'
import type { Problem, ReportProblem } from './problems.ts'
import type { ProfileConfig } from './resolved-config.ts'

/** Turns an entry of `profiles` into what is served; reports what refers to nothing. */
export function resolveProfile(
  name: string,
  input: ProfileInput,
  { serverNames, report }: { serverNames: readonly string[]; report: ReportProblem },
): ProfileConfig {
  const reportHere: ReportProblem = (path, message) => report(['profiles', name, ...path], message)
  const servers = input.servers ?? serverNames
  if (input.servers) checkServers(input.servers, { serverNames, report: reportHere })
  checkTools(input.tools, { servers, report: reportHere })
  for (const [scope, rule] of Object.entries(input.scopes)) {
    rule.tools.forEach((glob, index) => {
      const problem = toolGlobProblem(glob, servers)
      if (problem !== undefined) reportHere(['scopes', scope, 'tools', index], problem)
    })
  }
  return {
    name,
    description: input.description,
    auth: input.auth,
    scopes: Object.entries(input.scopes).map(([scope, rule]) => ({ scope, ...rule })),
    servers: [...servers],
    naming: input.naming,
    tools: input.tools,
  }
}

function checkServers(
  servers: readonly string[],
  { serverNames, report }: { serverNames: readonly string[]; report: ReportProblem },
): void {
  servers.forEach((server, index) => {
    if (servers.indexOf(server) < index) report(['servers', index], 'names a server twice')
    if (serverNames.includes(server)) return
    const meant = nearestName(server, serverNames)
    const suggestion = meant === undefined ? '' : ` (did you mean "${meant}"?)`
    const known = serverNames.length > 0 ? serverNames.join(', ') : 'none'
    report(
      ['servers', index],
      `names the server ${JSON.stringify(server)}, which is not in mcpServers${suggestion}; servers: ${known}`,
    )
  })
}

function checkTools(
  tools: ProfileInput['tools'],
  { servers, report }: { servers: readonly string[]; report: ReportProblem },
): void {
  const tell = (path: Problem['path'], problem: string | undefined) => {
    if (problem !== undefined) report(['tools', ...path], problem)
  }
  for (const list of ['allow', 'deny'] as const) {
    tools[list].forEach((glob, index) => {
      tell([list, index], toolGlobProblem(glob, servers))
    })
  }
  for (const table of ['rename', 'describe'] as const) {
    for (const tool of Object.keys(tools[table])) {
      tell([table, tool], exactToolProblem(tool, servers))
    }
  }
  const taken = new Map<string, string>()
  for (const [tool, target] of Object.entries(tools.rename)) {
    const first = taken.get(target)
    if (first === undefined) taken.set(target, tool)
    else tell(['rename', tool], `gives the same name as "${first}"; a name can belong to one tool`)
  }
}

/** A tool of any server (`search`) or of one (`github/search`), in the upstream's own names. */
interface ToolReference {
  readonly server: string | undefined
  readonly tool: string
}

const globOptions = { dot: true, strictBrackets: true }

/** Splits at the first `/`: a tool with a `/` in its own name is written `server/its/name`. */
function parseToolReference(reference: string): ToolReference {
  const slash = reference.indexOf('/')
  if (slash < 0) return { server: undefined, tool: reference }
  return { server: reference.slice(0, slash), tool: reference.slice(slash + 1) }
}

/** What is wrong with a glob of `allow` or `deny`, given the servers of its profile. */
function toolGlobProblem(glob: string, servers: readonly string[]): string | undefined {
  const { server, tool } = parseToolReference(glob)
  if (glob.startsWith('!')) return 'must not start with "!"; put what to leave out under "deny"'
  if (tool === '') return `names no tool; every tool of a server is "${server || 'server'}/*"`
  const bad = globProblem(tool) ?? (server === undefined ? undefined : globProblem(server))
  if (bad !== undefined) return `is not a valid glob: ${bad}`
  if (server === undefined || servers.some((name) => picomatch.isMatch(name, server, globOptions)))
    return undefined
  return unknownServer(server, servers)
}

/** What is wrong with a key of `rename` or `describe`, given the servers of its profile. */
function exactToolProblem(reference: string, servers: readonly string[]): string | undefined {
  if (/[*?[\]{}()!]/.test(reference)) {
    return 'must name one tool exactly, as "tool" or "server/tool", without glob characters'
  }
  const { server, tool } = parseToolReference(reference)
  if (tool === '') return 'names no tool; write "tool" or "server/tool"'
  if (server === undefined || servers.includes(server)) return undefined
  return unknownServer(server, servers)
}

function globProblem(glob: string): string | undefined {
  if (glob === '') return 'the name of the server is empty'
  try {
    // picomatch answers a regular expression that never matches when its own does not compile.
    const compiled = picomatch.makeRe(glob, globOptions)
    return compiled && compiled.source !== '$^' ? undefined : 'it can match nothing'
  } catch (error) {
    return error instanceof Error ? (error.message.split(' - ')[0] ?? '') : String(error)
  }
}

function unknownServer(server: string, servers: readonly string[]): string {
  const meant = nearestName(server, servers)
  const suggestion = meant === undefined ? '' : `; did you mean "${meant}"?`
  return `refers to the server "${server}", which is not in this profile (${servers.join(', ')})${suggestion}`
}
