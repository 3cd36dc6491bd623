import { nearestName } from '../lib/nearest-name.ts'
import type { ProfileInput } from './gateway-file-schema.ts'
import type { Problem, ReportProblem } from './problem.ts'
import type { ProfileConfig } from './resolved-config.ts'
import { exactToolProblem, toolGlobProblem } from './tool-reference.ts'

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
