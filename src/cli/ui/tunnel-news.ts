import type { TunnelEvent } from '../../gateway-events.ts'
import { formatProse } from './layout.ts'
import { formatFinding } from './profiles.ts'
import type { Screen } from './styler.ts'

/**
 * Creates the formatter of what happens to the tunnel. A lost tunnel is told again at every attempt
 * to open it; here it is news only when the reason changes.
 */
export function createTunnelNews(screen: Screen): (event: TunnelEvent) => string | undefined {
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
        return formatFinding({ message: describeTrouble(event), hint: event.hint }, screen).join(
          '\n',
        )
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
): string {
  const opened = `Tunnel by ${provider} ${wasDown ? 'is back' : 'is up'}: ${publicUrl}`
  return [opened, summary && `Proven: ${summary}.`, advice]
    .filter((part) => part !== undefined)
    .flatMap((part) => formatProse(part, screen))
    .join('\n')
}
