import { isIPv6 } from 'node:net'
import { isLoopbackHost, zoneOfHost } from '../lib/hosts.ts'

/** Who can reach what is ours: this machine, the local network, or anybody. */
export type Exposure = 'loopback' | 'network' | 'public'

/** Who can reach an origin, by its host name alone; nothing is looked up. */
export function exposureOfOrigin(origin: string): Exposure {
  const { hostname } = new URL(origin)
  // RFC 6762: such names exist in the local network only.
  const zone = hostname.endsWith('.local') ? 'private' : (zoneOfHost(hostname) ?? 'public')
  if (zone === 'public') return zone
  return zone === 'loopback' ? zone : 'network'
}

/** Whether a client must be told of our certificate authority to reach this origin. */
export function needsCa(origin: string): boolean {
  return new URL(origin).protocol === 'https:' && exposureOfOrigin(origin) !== 'public'
}

/** Whether an origin is a loopback address (127.0.0.1, ::1) of one that is listed as localhost. */
export function isOtherNameOfLocalhost(origin: string, origins: readonly string[]): boolean {
  const url = new URL(origin)
  if (!/^(127\.|\[::1\]$)/.test(url.hostname)) return false
  url.hostname = 'localhost'
  return origins.includes(url.origin)
}

/**
 * The origins under which a listener can be reached, best name first. `bound` is the address it
 * listens on, which decides the family; `bindHost` is what was asked for.
 */
export function listenerOrigins(
  scheme: 'http' | 'https',
  { bindHost, bound, port }: { bindHost: string; bound: string; port: number },
  options: { lan: readonly string[]; localNames: readonly string[] },
): string[] {
  const hears = (address: string) => bound === '::' || isIPv6(address) === isIPv6(bound)
  const named = ['localhost', ...options.localNames]
  const reachable = isEverywhere(bindHost)
    ? [...named, ...['127.0.0.1', '::1', ...options.lan].filter(hears)]
    : bound === '127.0.0.1' || bound === '::1'
      ? [...named, bound]
      : [bindHost]
  return reachable.map((name) => new URL(`${scheme}://${bracket(name)}:${port}`).origin)
}

/** Whether that is every address of this machine. */
export function isEverywhere(bindHost: string): boolean {
  return bindHost === '0.0.0.0' || bindHost === '::'
}

/** Who can reach a listener that is bound to that host. */
export function exposureOfHost(bindHost: string): Exposure {
  return isLoopbackHost(bracket(bindHost)) ? 'loopback' : 'network'
}

function bracket(address: string): string {
  return isIPv6(address) ? `[${address}]` : address
}
