import { isLoopbackHost } from '../lib/hosts.ts'
import type { Exposure } from './exposure.ts'

/** `tunnel` is the loopback port that tunnels lead to, and nothing else. */
export type ListenerName = 'http' | 'https' | 'tunnel'

/** A socket of ours and the origins it serves, the one to print first. */
export interface ListenerOrigins {
  readonly name: ListenerName
  readonly scheme: 'http' | 'https'
  readonly exposure: Exposure
  readonly origins: readonly string[]
}

export type KnownOrigins = ReturnType<typeof createKnownOrigins>

export interface KnownOriginsOptions {
  readonly listeners: readonly ListenerOrigins[]
  /** The user's own public address, which leads to the plain HTTP listener. */
  readonly externalOrigin: string | undefined
  /** Further hosts and calling origins from the configuration file; read at every check. */
  readonly allowedHosts: () => readonly string[]
  readonly allowedOrigins: () => readonly string[]
}

/** Which origins are ours at this moment. Every URL and every Host and Origin check derives from this. */
export function createKnownOrigins(options: KnownOriginsOptions) {
  const { listeners, externalOrigin } = options
  const preferred = listeners.find(({ scheme }) => scheme === 'https') ?? listeners[0]
  const localOrigin = preferred?.origins[0] ?? ''
  const admitted: string[] = []
  let publicOrigin = externalOrigin

  /** The address everything points at: the public one, else local HTTPS, else local HTTP. */
  const appUrl = () => publicOrigin ?? localOrigin
  /** Every origin that is served, `appUrl` first. */
  const all = () => [...new Set([appUrl(), ...listeners.flatMap(({ origins }) => origins)])]
  const find = (name: ListenerName) => listeners.find((one) => one.name === name)

  return {
    appUrl,
    all,
    exposureOf: (name: ListenerName): Exposure => find(name)?.exposure ?? 'public',
    /** Whether anybody beyond this machine may reach us now, a tunnel that is being proven included. */
    isExposed() {
      // The tunnel's own listener is public by nature, and reached by nobody without a tunnel.
      const sockets = listeners.filter(({ name }) => name !== 'tunnel')
      const isOpen = sockets.some(({ exposure }) => exposure !== 'loopback')
      return isOpen || publicOrigin !== undefined || admitted.length > 0
    },
    /** The origin of a request, by the socket it came through and the Host it names. */
    ofRequest(name: ListenerName, header: string | undefined): string | undefined {
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
    /** Whether a browser page of that origin may call us through that listener (CORS). */
    allowsCaller(name: ListenerName, origin: string): boolean {
      const isOurs = all().includes(origin) || admitted.includes(origin)
      if (isOurs || options.allowedOrigins().includes(origin)) return true
      // Tools such as the MCP Inspector call from a page on another port of this machine.
      return find(name)?.exposure === 'loopback' && isLoopbackOrigin(origin)
    },
    /** Lets requests for a tunnel's origin in; the returned function shuts them out again. */
    admit(origin: string): () => void {
      admitted.push(origin)
      return () => {
        const index = admitted.indexOf(origin)
        if (index >= 0) admitted.splice(index, 1)
      }
    },
    /** Points everything at a tunnel's origin, or back at the local address. */
    setPublicOrigin(origin: string | undefined): void {
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

/** An origin's host as a `Host` header carries it: lower case, without a default port. */
function hostOf(origin: string): string {
  return new URL(origin).host
}

/** Puts a `Host` header into the form of {@link hostOf}; undefined when it is no host at all. */
function normalizeHost(header: string | undefined, scheme: 'http' | 'https') {
  if (!header || /[\s/@\\?#]/.test(header)) return undefined
  try {
    return new URL(`${scheme}://${header}`).host
  } catch {
    return undefined
  }
}
