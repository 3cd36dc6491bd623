import { isLoopbackHost } from '../lib/loopback.ts'
import { hostOf, normalizeHost } from './host-name.ts'

/** `tunnel` is the loopback port that tunnels lead to, and nothing else. */
export type ListenerName = 'http' | 'https' | 'tunnel'

/** Who can reach a listener: this machine, the local network, or anybody. */
export type Exposure = 'loopback' | 'network' | 'public'

/** A socket of ours and the origins it serves, the one to print first. */
export interface ListenerOrigins {
  readonly name: ListenerName
  readonly scheme: 'http' | 'https'
  readonly exposure: Exposure
  readonly origins: readonly string[]
}

/** Which origins are ours at this moment. Every URL and every Host and Origin check derives from this. */
export interface KnownOrigins {
  /** The address everything points at: the public one, else local HTTPS, else local HTTP. */
  appUrl(): string
  /** Every origin that is served, `appUrl` first. */
  all(): string[]
  exposureOf(listener: ListenerName): Exposure
  /** Whether anybody beyond this machine may reach us now, a tunnel that is being proven included. */
  isExposed(): boolean
  /** The origin of a request, by the socket it came through and the Host it names. */
  ofRequest(listener: ListenerName, host: string | undefined): string | undefined
  /** Whether a browser page of that origin may call us through that listener (CORS). */
  allowsCaller(listener: ListenerName, origin: string): boolean
  /** Lets requests for a tunnel's origin in; the returned function shuts them out again. */
  admit(origin: string): () => void
  /** Points everything at a tunnel's origin, or back at the local address. */
  setPublicOrigin(origin: string | undefined): void
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
  const localOrigin = preferred?.origins[0] ?? ''
  const admitted: string[] = []
  let publicOrigin = externalOrigin

  const appUrl = () => publicOrigin ?? localOrigin
  const all = () => [...new Set([appUrl(), ...listeners.flatMap(({ origins }) => origins)])]
  const find = (name: ListenerName) => listeners.find((one) => one.name === name)

  return {
    appUrl,
    all,
    exposureOf: (name) => find(name)?.exposure ?? 'public',
    isExposed() {
      // The tunnel's own listener is public by nature, and reached by nobody without a tunnel.
      const sockets = listeners.filter(({ name }) => name !== 'tunnel')
      const isOpen = sockets.some(({ exposure }) => exposure !== 'loopback')
      return isOpen || publicOrigin !== undefined || admitted.length > 0
    },
    ofRequest(name, header) {
      // What comes through a tunnel is meant for its origin or for nobody.
      if (name === 'tunnel') return admitted.find((origin) => isFor(origin, header))
      const listener = find(name)
      if (!listener) return undefined
      if (externalOrigin && name === 'http' && isFor(externalOrigin, header)) return externalOrigin
      // As nearly every client says it, with nothing to bring into form.
      const said = `${listener.scheme}://${header}`
      if (listener.origins.includes(said)) return said
      const host = normalizeHost(header, listener.scheme)
      if (host === undefined) return undefined
      const own = listener.origins.find((origin) => hostOf(origin) === host)
      if (own) return own
      return isAllowedHost(host, options.allowedHosts())
        ? `${listener.scheme}://${host}`
        : undefined
    },
    allowsCaller(name, origin) {
      const isOurs = all().includes(origin) || admitted.includes(origin)
      if (isOurs || options.allowedOrigins().includes(origin)) return true
      // Tools such as the MCP Inspector call from a page on another port of this machine.
      return find(name)?.exposure === 'loopback' && isLoopbackOrigin(origin)
    },
    admit(origin) {
      admitted.push(origin)
      return () => {
        const index = admitted.indexOf(origin)
        if (index >= 0) admitted.splice(index, 1)
      }
    },
    setPublicOrigin(origin) {
      publicOrigin = origin ?? externalOrigin
    },
  }
}

/** Whoever terminates TLS in front of us passes the public Host on, with or without its port. */
function isFor(origin: string, header: string | undefined): boolean {
  const scheme = origin.startsWith('https:') ? 'https' : 'http'
  return normalizeHost(header, scheme) === hostOf(origin)
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
