import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { isLoopbackHost } from './loopback.ts'

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
