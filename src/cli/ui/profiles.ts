import type { ProfileSummary, ReadyEvent, UpstreamState } from '../../gateway-events.ts'
import { printable } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import { formatProse, rowIndent, wrapText } from './layout.ts'
import type { Screen } from './styler.ts'

/** One profile: its endpoint, then what it offers and from which servers. */
export function formatProfile(profile: ProfileSummary, screen: Screen): string[] {
  const { style } = screen
  const servers = profile.servers.map(({ name, state }) => {
    if (state === 'failed') return `${name} (failed)`
    return state === 'login-needed' ? `${name} (waits for a login)` : name
  })
  const summary = `${formatOffer(profile)} from ${count(servers.length, 'server')}: ${servers.join(', ')}`
  const width = Math.max(30, screen.columns - rowIndent)
  return [
    style.cyan(profile.url),
    ...(servers.length > 0 ? wrapText(summary, width) : ['no servers']).map(style.dim),
  ]
}

function formatOffer({ tools, resources, prompts }: ProfileSummary): string {
  const extras = [
    ...(resources > 0 ? [count(resources, 'resource')] : []),
    ...(prompts > 0 ? [count(prompts, 'prompt')] : []),
  ]
  return [count(tools, 'tool'), ...extras].join(', ')
}

/** What is wrong with servers and names, each with what to do; nothing when all is well. */
export function formatProblems(
  ready: ReadyEvent,
  options: { screen: Screen; configFile: string },
): string[] {
  const { screen, configFile } = options
  return [
    ...serversIn(ready, 'login-needed').flatMap(({ error }) =>
      // The link in it may be longer than a line, and must not be broken.
      [screen.style.yellow(`  ${error}`)],
    ),
    ...serversIn(ready, 'failed').flatMap(({ name, error, profiles }) =>
      formatFinding(
        {
          message: `Server "${name}" failed: ${error}`,
          hint: `It is started again with growing pauses, and at once when its entry in ${configFile} changes. ${where(profiles)} without its tools until then.`,
        },
        screen,
      ),
    ),
    ...ready.profiles.flatMap(({ name, problems }) =>
      problems.flatMap((problem) =>
        formatFinding({ message: `Profile "${name}": ${problem}` }, screen),
      ),
    ),
  ]
}

/** A warning: what happened, and indented below it, what to do. */
export function formatFinding(
  finding: { message: string; hint?: string | undefined },
  screen: Screen,
): string[] {
  const [first = '', ...rest] = formatProse(printable(finding.message), screen)
  const hint = finding.hint ? formatProse(printable(finding.hint), screen) : []
  return [...[first, ...rest].map(screen.style.yellow), ...hint]
}

function where(profiles: readonly string[]): string {
  const names = profiles.map((name) => `"${name}"`).join(', ')
  return profiles.length === 1 ? `Profile ${names} works` : `Profiles ${names} work`
}

function serversIn(
  ready: ReadyEvent,
  wanted: UpstreamState,
): { name: string; error: string; profiles: string[] }[] {
  const found = new Map<string, { name: string; error: string; profiles: string[] }>()
  for (const profile of ready.profiles) {
    for (const { name, state, error } of profile.servers) {
      if (state !== wanted) continue
      const entry = found.get(name) ?? { name, error: error ?? 'no reason was given', profiles: [] }
      entry.profiles.push(profile.name)
      found.set(name, entry)
    }
  }
  return [...found.values()]
}
