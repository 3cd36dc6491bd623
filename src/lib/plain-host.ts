import { isIP } from 'node:net'

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Whether a host, as `URL.hostname` gives it, is a name of letters, digits and hyphens (RFC 1123 2.1)
 * or an address. `URL` takes far more, `$(id).example` among it, and so would whoever reads the
 * address next: a shell that sources `.env`, a log, a page. Every host that somebody else names is
 * asked this where it enters.
 */
export function isPlainHost(hostname: string): boolean {
  const address = /^\[(.*)\]$/.exec(hostname)?.[1]
  if (address !== undefined) return isIP(address) === 6
  return hostname.length <= 253 && hostname.split('.').every((part) => label.test(part))
}
