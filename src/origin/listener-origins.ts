import { isIPv6 } from 'node:net'
import { isLoopbackHost } from '../lib/loopback.ts'
import type { Exposure } from './known-origins.ts'

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

export function exposureOf(bindHost: string): Exposure {
  return isLoopbackHost(bracket(bindHost)) ? 'loopback' : 'network'
}

function bracket(address: string): string {
  return isIPv6(address) ? `[${address}]` : address
}
