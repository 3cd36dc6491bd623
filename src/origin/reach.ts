import { isIPv4 } from 'node:net'

/** From where an origin can be reached: this machine, this network, or anywhere. */
export type Reach = 'local' | 'lan' | 'public'

/** Judges an origin by its host name alone; nothing is looked up. */
export function reachOf(origin: string): Reach {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, '')
  if (host === 'localhost' || host.endsWith('.localhost')) return 'local'
  if (isIPv4(host)) return reachOfIpv4(host)
  if (host === '::1') return 'local'
  // RFC 4193 unique local and RFC 4291 link-local addresses, and RFC 6762 names.
  return /^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:/.test(host) || host.endsWith('.local')
    ? 'lan'
    : 'public'
}

function reachOfIpv4(host: string): Reach {
  const [a = 0, b = 0] = host.split('.').map(Number)
  if (a === 127) return 'local'
  const isPrivate =
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254)
  return isPrivate ? 'lan' : 'public'
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
