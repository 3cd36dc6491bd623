import type {
  ClientFileEvent,
  GatewayEvent,
  TrustEvent,
  UpstreamState,
} from '../../gateway-events.ts'
import { printableValues } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import { formatApproval, formatApprovalState } from './approval.ts'
import { clientFileSentence } from './clients.ts'
import { formatProse } from './layout.ts'
import { formatFinding } from './profiles.ts'
import type { Screen } from './styler.ts'
import { createTunnelNews } from './tunnel-news.ts'

/** Turns what the gateway tells after it is ready into text; `undefined` when it is not news. */
export type FormatNews = (event: GatewayEvent) => string | undefined

/**
 * Creates the formatter of later events. It remembers each server's state, because a server that
 * goes to sleep and wakes is not news, while one that fails or comes back is.
 */
export function createNewsFormatter(options: { screen: Screen; configFile: string }): FormatNews {
  const { screen, configFile } = options
  const failures = new Map<string, string>()
  const tunnelNews = createTunnelNews(screen)
  return (told) => {
    const event = printableValues(told)
    switch (event.event) {
      case 'upstream':
        return formatUpstream(event, { screen, failures })
      case 'tunnel':
        return tunnelNews(event)
      case 'approval':
        return formatApproval(event, screen)
      case 'approval-state':
        return formatApprovalState(event, screen)
      case 'url-changed':
        return formatUrlChange(event, screen)
      case 'trust':
        return formatTrust(event, screen)
      case 'config':
        return formatConfig(event, { screen, configFile })
      case 'client':
        return formatClientFile(event, screen)
      case 'warning':
        return formatFinding(event, screen).join('\n')
      case 'error':
        return formatError(event, screen)
      default:
        return undefined
    }
  }
}

function formatClientFile(event: ClientFileEvent, screen: Screen): string | undefined {
  const sentence = clientFileSentence(event)
  return sentence && formatProse(sentence, screen).join('\n')
}

function formatUpstream(
  event: { server: string; state: UpstreamState; tools?: number; error?: string },
  { screen, failures }: { screen: Screen; failures: Map<string, string> },
): string | undefined {
  const { server, state, tools, error = 'no reason was given' } = event
  if (state === 'login-needed') {
    // The link is in it, so a new address is news.
    if (failures.get(server) === error) return undefined
    failures.set(server, error)
    return screen.style.yellow(`  ${error}`)
  }
  if (state === 'failed') {
    const known = failures.get(server) === error
    failures.set(server, error)
    if (known) return undefined
    return formatFinding({ message: `Server "${server}" failed: ${error}` }, screen).join('\n')
  }
  if (state === 'up' && event.error !== undefined) {
    const known = failures.get(server) === error
    failures.set(server, error)
    if (known) return undefined
    const message = `Server "${server}" works in part: ${error}`
    return formatFinding({ message }, screen).join('\n')
  }
  if (state !== 'up' || !failures.delete(server)) return undefined
  const offer = tools === undefined ? '' : ` with ${count(tools, 'tool')}`
  return formatProse(`Server "${server}" is back${offer}.`, screen).join('\n')
}

function formatTrust({ change, message }: TrustEvent, screen: Screen): string {
  const isAlarming = change === 'refused' || change === 'blocked'
  const lines = formatProse(message, screen)
  return (isAlarming ? lines.map(screen.style.yellow) : lines).join('\n')
}

function formatUrlChange(
  event: { previousUrl: string; appUrl: string; redirectUri: string },
  screen: Screen,
): string {
  const { style } = screen
  return [
    ...formatProse(`The address changed from ${event.previousUrl} to`, screen).map(style.yellow),
    `  ${style.cyan(event.appUrl)}`,
    ...formatProse(
      'Connectors that were added with the old address (claude.ai, ChatGPT, and the like) must be removed and added again with the new one, and OAuth providers must be told the new redirect URI:',
      screen,
    ),
    `  ${event.redirectUri}`,
  ].join('\n')
}

function formatConfig(
  event: Extract<GatewayEvent, { event: 'config' }>,
  { screen, configFile }: { screen: Screen; configFile: string },
): string {
  if (event.state === 'applied') {
    const changes = event.changes.length > 0 ? `: ${event.changes.join(', ')}` : '; nothing differs'
    return formatProse(`Applied ${configFile}${changes}.`, screen).join('\n')
  }
  const message = `Did not apply ${configFile}; the previous configuration stays. ${event.message}`
  return formatFinding({ message, hint: event.hint }, screen).join('\n')
}

function formatError(event: { message: string; hint?: string }, screen: Screen): string {
  return [
    ...formatProse(event.message, screen).map((line) => screen.style.red(line)),
    ...(event.hint ? formatProse(event.hint, screen) : []),
  ].join('\n')
}
