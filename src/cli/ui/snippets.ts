import {
  type ClientEntry,
  claudeCodeCommand,
  claudeCodeConfig,
  claudeCodeStart,
} from '../../clients/claude-code.ts'
import { clientEntryName } from '../../clients/entry-name.ts'
import type { ReadyEvent } from '../../gateway-events.ts'
import { needsCa } from './addresses.ts'
import { formatCode, formatProse } from './layout.ts'
import type { Screen } from './styler.ts'

/** What is pasted: the configuration for the first profile, which is the one most want. */
export function clientSnippet(ready: ReadyEvent): string | undefined {
  const [first] = ready.profiles
  return first && claudeCodeConfig([{ name: clientEntryName(first.name), url: first.url }])
}

/** How Claude Code is connected: file, command, and the one variable it needs. */
export function formatClientSetup(
  ready: ReadyEvent,
  options: { screen: Screen; platform: NodeJS.Platform },
): string[] {
  const { screen, platform } = options
  const [first, ...others] = ready.profiles.map(({ name, url }) => ({
    name: clientEntryName(name),
    url,
  }))
  if (!first) return []
  return [
    ...formatProse('Connect Claude Code with this in .mcp.json', screen),
    ...formatCode(claudeCodeConfig([first]), screen).map((line) => screen.style.cyan(line)),
    '',
    ...formatProse('or with', screen),
    ...formatCode(claudeCodeCommand(first), screen).map((line) => screen.style.cyan(line)),
    ...formatOthers(others, screen),
    '',
    ...formatCaNeed(ready, { screen, platform }),
  ]
}

function formatOthers(others: readonly ClientEntry[], screen: Screen): string[] {
  if (others.length === 0) return []
  const names = others.map(({ name }) => name).join(', ')
  const kind = others.length === 1 ? 'The other profile is' : 'The other profiles are'
  return formatProse(`${kind} added the same way, as ${names}.`, screen)
}

function formatCaNeed(
  ready: ReadyEvent,
  options: { screen: Screen; platform: NodeJS.Platform },
): string[] {
  const { screen, platform } = options
  if (!needsCa(ready.appUrl)) {
    const why = ready.appUrl.startsWith('http:')
      ? 'the address is plain HTTP'
      : 'the address is public'
    return formatProse(`No certificate variable is needed: ${why}.`, screen)
  }
  if (!ready.caFile) {
    const text = 'The certificate is yours: the client must already trust who signed it.'
    return formatProse(text, screen)
  }
  return [
    ...formatProse('and start it with the certificate authority it has to trust', screen),
    ...formatCode(claudeCodeStart(ready.caFile, platform), screen).map((line) =>
      screen.style.cyan(line),
    ),
  ]
}
