import type { GatewayFile, ResolvedConfig, ServerConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import { secretValues } from '../lib/redact.ts'
import type { EventEntry } from '../traffic/entry.ts'
import { secretNames } from '../traffic/redact-body.ts'
import { createTraffic } from '../traffic/traffic.ts'

/** A shorter value is a word such as `true`, and would be found everywhere, characters. */
const shortestSecret = 6

/** What passes through the gateway, for whoever watches; `note` tells what happens around it. */
export function openTraffic(options: { config: ResolvedConfig; file: () => GatewayFile }) {
  const { config, file } = options
  let known: { file: GatewayFile; secrets: readonly string[] } | undefined
  const secrets = () => {
    const current = file()
    if (known?.file !== current) known = { file: current, secrets: secretsOf(config, current) }
    return known.secrets
  }
  const traffic = createTraffic({ now: Date.now, names: secretNames(), secrets })
  return {
    ...traffic,
    /** Tells of a request that was not let in, and why. */
    noteRefusal({ profile, status, reason }: { profile: string; status: number; reason: string }) {
      traffic.note({ what: 'refused', profile, text: `${status}: ${reason}`, isProblem: true })
    },
    /** The same of what the gateway tells its owner. */
    note(event: GatewayEvent): void {
      const noted = noteOf(event)
      if (noted) traffic.note(noted)
    },
  }
}

function secretsOf(config: ResolvedConfig, { servers }: GatewayFile): string[] {
  const { environment } = config
  const values = Object.values(servers).flatMap(secretsOfServer)
  return [...new Set([...secretValues(environment), ...values])]
    .filter((value) => value.length >= shortestSecret)
    .sort((one, other) => other.length - one.length)
}

function secretsOfServer(server: ServerConfig): string[] {
  const settings = server.type === 'stdio' ? server.env : server.headers
  return [...server.variableValues, ...secretValues(settings)]
}

type Note = Omit<EventEntry, 'kind' | 'seq' | 'at'>

/** One line of an event; undefined for what says nothing beside messages. */
function noteOf(event: GatewayEvent): Note | undefined {
  const what = event.event
  switch (event.event) {
    case 'upstream': {
      const { server, state, error } = event
      const text = error === undefined ? `is ${state}` : `is ${state}: ${error}`
      return { what, server, text, isProblem: state === 'failed' }
    }
    case 'reload': {
      const { server, files, error } = event
      const outcome = error === undefined ? 'was restarted' : `did not start again: ${error}`
      const text = `${outcome} (${files.join(', ')})`
      return { what, server, text, isProblem: error !== undefined }
    }
    case 'tunnel': {
      const { provider, state, publicUrl, message } = event
      const text = [provider, 'is', state, publicUrl, message].filter(Boolean).join(' ')
      return { what, text, isProblem: state === 'failed' || state === 'lost' }
    }
    case 'approval': {
      const { clientName, from, profile } = event
      return { what, profile, text: `${clientName} asks for access from ${from}`, isProblem: false }
    }
    case 'approval-state': {
      const who = event.state === 'busy' ? event.from : event.clientName
      return { what, text: `${who}: ${event.state}`, isProblem: event.state !== 'allowed' }
    }
    case 'trust':
      return { what, server: event.server, text: event.message, isProblem: isBad(event.change) }
    case 'url-changed':
      return { what, text: `the address is ${event.appUrl} now`, isProblem: false }
    case 'config':
      return event.state === 'applied'
        ? { what, text: event.changes.join('; '), isProblem: false }
        : { what, text: event.message, isProblem: true }
    case 'warning':
    case 'error':
      return { what, text: event.message, isProblem: true }
    default:
      return undefined
  }
}

function isBad(change: string): boolean {
  return change === 'refused' || change === 'blocked'
}
