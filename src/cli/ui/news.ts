import type {
  ClientFileEvent,
  GatewayEvent,
  ReloadEvent,
  TrustEvent,
  TunnelEvent,
  UpstreamState,
} from '../../gateway-events.ts'
import { printableValues } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import { formatApproval, formatApprovalState } from './approval.ts'
import { clientFileSentence } from './clients.ts'
import type { Screen } from './screen.ts'

/**
 * Creates the formatter of what the gateway tells after it is ready; `undefined` is no news. It
 * remembers each server's state, because a server that goes to sleep and wakes is not news, while one
 * that fails or comes back is.
 */
export function createNewsFormatter(options: {
  screen: Screen
  configFile: string
}): (event: GatewayEvent) => string[] | undefined {
  const { screen, configFile } = options
  const failures = new Map<string, string>()
  const tunnelNews = createTunnelNews(screen)
  return (told) => {
    const event = printableValues(told)
    switch (event.event) {
      case 'upstream':
        return formatUpstream(event, { screen, failures })
      case 'reload':
        return formatReload(event, { screen, failures })
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
        return screen.warning(event)
      case 'error':
        return formatError(event, screen)
      default:
        return undefined
    }
  }
}

function formatClientFile(event: ClientFileEvent, screen: Screen): string[] | undefined {
  const sentence = clientFileSentence(event)
  return sentence === undefined ? undefined : screen.prose(sentence)
}

function formatUpstream(
  event: { server: string; state: UpstreamState; tools?: number; error?: string },
  { screen, failures }: { screen: Screen; failures: Map<string, string> },
): string[] | undefined {
  const { server, state, tools, error = 'no reason was given' } = event
  const isInPart = state === 'up' && event.error !== undefined
  if (state === 'login-needed' || state === 'failed' || isInPart) {
    // The link of a login is in its error, so a new address is news.
    if (failures.get(server) === error) return undefined
    failures.set(server, error)
    if (state === 'login-needed') return [screen.style.yellow(`  ${error}`)]
    const what = isInPart ? 'works in part' : 'failed'
    return screen.warning({ message: `Server "${server}" ${what}: ${error}` })
  }
  if (state !== 'up' || !failures.delete(server)) return undefined
  const offer = tools === undefined ? '' : ` with ${count(tools, 'tool')}`
  return screen.prose(`Server "${server}" is back${offer}.`)
}

/** One calm line: `weather  restarted in 0.4 s (weather.ts changed): 1 tool changed, 1 added` */
function formatReload(
  { server, files, ms, added, changed, removed, error }: ReloadEvent,
  { screen, failures }: { screen: Screen; failures: Map<string, string> },
): string[] {
  const [first = '', ...more] = files
  const which = more.length === 0 ? `${first} changed` : `${first} and ${more.length} more changed`
  if (error !== undefined) {
    failures.set(server, error)
    return [screen.style.yellow(`  ${server}  did not start again (${which}): ${error}`)]
  }
  failures.delete(server)
  const counts = Object.entries({ changed, added, removed }).filter(([, names]) => names.length > 0)
  const [kind, names = []] = counts[0] ?? []
  const others = counts.slice(1).map(([word, list]) => `${list.length} ${word}`)
  const tools = [`${count(names.length, 'tool')} ${kind}`, ...others].join(', ')
  const what = kind === undefined ? 'the same tools' : tools
  return [`  ${server}  restarted in ${(ms / 1000).toFixed(1)} s (${which}): ${what}`]
}

function formatTrust({ change, message }: TrustEvent, screen: Screen): string[] {
  const isAlarming = change === 'refused' || change === 'blocked'
  const lines = screen.prose(message)
  return isAlarming ? lines.map(screen.style.yellow) : lines
}

function formatUrlChange(
  event: { previousUrl: string; appUrl: string; redirectUri: string },
  screen: Screen,
): string[] {
  const { style } = screen
  return [
    ...screen.prose(`The address changed from ${event.previousUrl} to`).map(style.yellow),
    `  ${style.cyan(event.appUrl)}`,
    ...screen.prose(
      'Connectors that were added with the old address (claude.ai, ChatGPT, and the like) must be removed and added again with the new one, and OAuth providers must be told the new redirect URI:',
    ),
    `  ${event.redirectUri}`,
  ]
}

function formatConfig(
  event: Extract<GatewayEvent, { event: 'config' }>,
  { screen, configFile }: { screen: Screen; configFile: string },
): string[] {
  if (event.state === 'applied') {
    const changes = event.changes.length > 0 ? `: ${event.changes.join(', ')}` : '; nothing differs'
    return screen.prose(`Applied ${configFile}${changes}.`)
  }
  const message = `Did not apply ${configFile}; the previous configuration stays. ${event.message}`
  return screen.warning({ message, hint: event.hint })
}

function formatError(event: { message: string; hint?: string }, screen: Screen): string[] {
  return [
    ...screen.prose(event.message).map(screen.style.red),
    ...(event.hint ? screen.prose(event.hint) : []),
  ]
}

/**
 * Creates the formatter of what happens to the tunnel. A lost tunnel is told again at every attempt
 * to open it; here it is news only when the reason changes.
 */
function createTunnelNews(screen: Screen): (event: TunnelEvent) => string[] | undefined {
  let lastTrouble: string | undefined
  return (event) => {
    switch (event.state) {
      case 'up': {
        const wasDown = lastTrouble !== undefined
        lastTrouble = undefined
        return formatUp(event, { screen, wasDown })
      }
      case 'failed':
      case 'lost':
      case 'local': {
        const trouble = `${event.provider}: ${event.message ?? event.state}`
        if (trouble === lastTrouble) return undefined
        lastTrouble = trouble
        return screen.warning({ message: describeTrouble(event), hint: event.hint })
      }
      default:
        return undefined
    }
  }
}

function describeTrouble({
  provider,
  state,
  message = 'no reason was given',
}: TunnelEvent): string {
  if (state === 'local') return message
  return state === 'lost'
    ? `The tunnel (${provider}) was lost and is being opened again: ${message}`
    : `No tunnel by ${provider}: ${message}`
}

function formatUp(
  { provider, publicUrl, summary, advice }: TunnelEvent,
  { screen, wasDown }: { screen: Screen; wasDown: boolean },
): string[] {
  const opened = `Tunnel by ${provider} ${wasDown ? 'is back' : 'is up'}: ${publicUrl}`
  return [opened, summary && `Proven: ${summary}.`, advice]
    .filter((part) => part !== undefined)
    .flatMap((part) => screen.prose(part))
}
