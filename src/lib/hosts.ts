import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Whether an address, in its plain form, is of this machine. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || isLoopbackHost(address)
}

/** Whether a host name, as `URL.hostname` gives it, always means this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  )
}

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

/** Where an address leads: anywhere, into a local network, to a neighbour or to this machine. */
export type AddressZone = 'public' | 'private' | 'link-local' | 'loopback'

/** What no server of ours can be at counts as private. */
const zones: Readonly<Record<string, AddressZone>> = {
  unicast: 'public',
  loopback: 'loopback',
  // 0.0.0.0 and :: connect to this machine on Linux and macOS.
  unspecified: 'loopback',
  // Clouds serve credentials at 169.254.169.254.
  linkLocal: 'link-local',
}

/** The zone of an IP address as a resolver gives it, embedded IPv4 addresses included. */
export function zoneOfAddress(address: string): AddressZone {
  const parsed = ipaddr.parse(address)
  const embedded = embeddedIpv4(parsed.range(), parsed.toByteArray())
  return zones[(embedded ?? parsed).range()] ?? 'private'
}

/** The zone a URL's host name says by itself; undefined for a name that must be resolved. */
export function zoneOfHost(hostname: string): AddressZone | undefined {
  if (isLoopbackHost(hostname)) return 'loopback'
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? undefined : zoneOfAddress(bare)
}

/** RFC 4291 2.5.5 mapped and compatible, RFC 6052 NAT64 and RFC 3056 6to4 addresses carry IPv4. */
function embeddedIpv4(range: string, bytes: number[]) {
  const isCompatible = range === 'unicast' && bytes.slice(0, 12).every((byte) => byte === 0)
  if (bytes.length === 4) return undefined
  if (range === '6to4') return ipaddr.fromByteArray(bytes.slice(2, 6))
  return isCompatible || ['ipv4Mapped', 'rfc6052', 'rfc6145'].includes(range)
    ? ipaddr.fromByteArray(bytes.slice(12))
    : undefined
}
