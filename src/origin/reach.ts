import { zoneOfHost } from '../lib/address-zone.ts'

/** From where an origin can be reached: this machine, this network, or anywhere. */
export type Reach = 'local' | 'lan' | 'public'

/** Judges an origin by its host name alone; nothing is looked up. */
export function reachOf(origin: string): Reach {
  const { hostname } = new URL(origin)
  // RFC 6762: such names exist in the local network only.
  const zone = hostname.endsWith('.local') ? 'private' : (zoneOfHost(hostname) ?? 'public')
  if (zone === 'public') return zone
  return zone === 'loopback' ? 'local' : 'lan'
}

/** Whether a client must be told of our certificate authority to reach this origin. */
export function needsCa(origin: string): boolean {
  return new URL(origin).protocol === 'https:' && reachOf(origin) !== 'public'
}

/** Whether an origin is a loopback address (127.0.0.1, ::1) of one that is listed as localhost. */
export function isOtherNameOfLocalhost(origin: string, origins: readonly string[]): boolean {
  const url = new URL(origin)
  if (!/^(127\.|\[::1\]$)/.test(url.hostname)) return false
  url.hostname = 'localhost'
  return origins.includes(url.origin)
}
