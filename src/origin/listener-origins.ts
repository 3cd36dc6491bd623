import { isIPv6 } from 'node:net'
import { isLoopbackHost } from '../lib/loopback.ts'
import type { Exposure } from './known-origins.ts'

/** The origins under which a listener bound to `bindHost` can be reached, best name first. */
export function listenerOrigins(
  scheme: 'http' | 'https',
  bindHost: string,
  port: number,
  options: { lan: readonly string[]; localNames: readonly string[] },
): string[] {
  const names = ['localhost', ...options.localNames, '127.0.0.1', '[::1]']
  const everywhere = bindHost === '0.0.0.0' || bindHost === '::'
  const reachable = everywhere
    ? [...names, ...options.lan.map(bracket)]
    : isLoopbackHost(bindHost)
      ? names
      : [bracket(bindHost)]
  return reachable.map((name) => new URL(`${scheme}://${name}:${port}`).origin)
}

export function exposureOf(bindHost: string): Exposure {
  return isLoopbackHost(bindHost) ? 'loopback' : 'network'
}

function bracket(address: string): string {
  return isIPv6(address) ? `[${address}]` : address
}
