import { isLoopbackHost } from '../lib/loopback.ts'
import { hostOf, normalizeHost } from './host-name.ts'

export type ListenerName = 'http' | 'https'

/** Who can reach a listener: this machine, the local network, or anybody. */
export type Exposure = 'loopback' | 'network' | 'public'

/** A socket of ours and the origins it serves, the one to print first. */
export interface ListenerOrigins {
  readonly name: ListenerName
  readonly scheme: 'http' | 'https'
  readonly exposure: Exposure
  readonly origins: readonly string[]
}

/** Which origins are ours. Every URL and every Host and Origin check derives from this. */
export interface KnownOrigins {
  /** The address everything points at: the public one, else local HTTPS, else local HTTP. */
  readonly appUrl: string
  /** Every origin that is served, `appUrl` first. */
  all(): string[]
  /** The origin of a request, by the socket it came through and the Host it names. */
  ofRequest(listener: ListenerName, host: string | undefined): string | undefined
  /** Whether a browser page of that origin may call us through that listener (CORS). */
  allowsCaller(listener: ListenerName, origin: string): boolean
}

export interface KnownOriginsOptions {
  readonly listeners: readonly ListenerOrigins[]
  /** The user's own public address, which leads to the plain HTTP listener. */
  readonly externalOrigin: string | undefined
  /** Further hosts and calling origins from the configuration file; read at every check. */
  readonly allowedHosts: () => readonly string[]
  readonly allowedOrigins: () => readonly string[]
}

export function createKnownOrigins(options: KnownOriginsOptions): KnownOrigins {
  const { listeners, externalOrigin } = options
  const preferred = listeners.find(({ scheme }) => scheme === 'https') ?? listeners[0]
  const appUrl = externalOrigin ?? preferred?.origins[0] ?? ''
  const all = [...new Set([appUrl, ...listeners.flatMap(({ origins }) => origins)])]

  return {
    appUrl,
    all: () => all,
    ofRequest(name, header) {
      const listener = listeners.find((one) => one.name === name)
      const host = listener && normalizeHost(header, listener.scheme)
      if (!listener || host === undefined) return undefined
      // A tunnel or proxy of the user's own terminates TLS, so its Host arrives without a port.
      if (externalOrigin && listener.scheme === 'http' && header === hostOf(externalOrigin)) {
        return externalOrigin
      }
      const own = listener.origins.find((origin) => hostOf(origin) === host)
      if (own) return own
      return isAllowedHost(host, options.allowedHosts())
        ? `${listener.scheme}://${host}`
        : undefined
    },
    allowsCaller(name, origin) {
      if (all.includes(origin) || options.allowedOrigins().includes(origin)) return true
      const listener = listeners.find((one) => one.name === name)
      // Tools such as the MCP Inspector call from a page on another port of this machine.
      return listener?.exposure === 'loopback' && isLoopbackOrigin(origin)
    },
  }
}

function isAllowedHost(host: string, allowed: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '')
  return allowed.some((entry) => entry.toLowerCase() === host || entry.toLowerCase() === name)
}

function isLoopbackOrigin(origin: string): boolean {
  try {
    return isLoopbackHost(new URL(origin).hostname)
  } catch {
    // `null` and other things that are no origin.
    return false
  }
}
