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
