import { BlockList, isIP } from 'node:net'
import { isLoopbackHost } from '../../lib/loopback.ts'

/** Where an address leads: anywhere, into a local network, to a neighbour or to this machine. */
export type AddressZone = 'public' | 'private' | 'link-local' | 'loopback'

/** IANA special-purpose registries (RFC 6890). What no server of ours can be at counts as private. */
const ranges: readonly [AddressZone, 'ipv4' | 'ipv6', string, number][] = [
  ['loopback', 'ipv4', '127.0.0.0', 8],
  // 0.0.0.0 and :: connect to this machine on Linux and macOS.
  ['loopback', 'ipv4', '0.0.0.0', 8],
  ['loopback', 'ipv6', '::', 127],
  // Clouds serve credentials at 169.254.169.254.
  ['link-local', 'ipv4', '169.254.0.0', 16],
  ['link-local', 'ipv6', 'fe80::', 10],
  ['private', 'ipv4', '10.0.0.0', 8],
  ['private', 'ipv4', '100.64.0.0', 10],
  ['private', 'ipv4', '172.16.0.0', 12],
  ['private', 'ipv4', '192.0.0.0', 24],
  ['private', 'ipv4', '192.0.2.0', 24],
  ['private', 'ipv4', '192.88.99.0', 24],
  ['private', 'ipv4', '192.168.0.0', 16],
  ['private', 'ipv4', '198.18.0.0', 15],
  ['private', 'ipv4', '198.51.100.0', 24],
  ['private', 'ipv4', '203.0.113.0', 24],
  ['private', 'ipv4', '224.0.0.0', 3],
  ['private', 'ipv6', '100::', 64],
  ['private', 'ipv6', '2001::', 23],
  ['private', 'ipv6', '2001:db8::', 32],
  ['private', 'ipv6', '3fff::', 20],
  ['private', 'ipv6', 'fc00::', 7],
  ['private', 'ipv6', 'fec0::', 10],
  ['private', 'ipv6', 'ff00::', 8],
]

const lists = ranges.map(([zone, family, network, prefix]) => {
  const list = new BlockList()
  list.addSubnet(network, prefix, family)
  return { zone, family, list }
})

/** The zone of an IP address as a resolver gives it, embedded IPv4 addresses included. */
export function zoneOfAddress(address: string): AddressZone {
  const plain = address.replace(/%.*$/, '')
  const embedded = embeddedIpv4(plain)
  if (embedded !== undefined) return zoneOfAddress(embedded)
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4'
  return (
    lists.find((one) => one.family === family && one.list.check(plain, family))?.zone ?? 'public'
  )
}

/** The zone a URL's host name says by itself; undefined for a name that must be resolved. */
export function zoneOfHost(hostname: string): AddressZone | undefined {
  if (isLoopbackHost(hostname)) return 'loopback'
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? undefined : zoneOfAddress(bare)
}

/**
 * Where the metadata of a configured server may lead: never further in than the server itself is.
 * Decided by the address the user wrote; what DNS says about a name is under its owner's control.
 */
export function reachOf(
  serverUrl: string,
  options: { allowPrivateNetwork: boolean },
): ReadonlySet<AddressZone> {
  const zone = zoneOfHost(new URL(serverUrl).hostname) ?? 'public'
  const reach = new Set<AddressZone>(['public', zone])
  if (zone === 'loopback' || options.allowPrivateNetwork) reach.add('private')
  return reach
}

/** RFC 4291 2.5.5 mapped and compatible, RFC 6052 NAT64 and RFC 3056 6to4 addresses carry IPv4. */
function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined
  const groups = expand(address)
  const [first = 0, second = 0, third = 0] = groups
  const last = ipv4(groups[6] ?? 0, groups[7] ?? 0)
  if (first === 0x2002) return ipv4(second, third)
  if (first === 0x64 && second === 0xff9b) return last
  const zeros = groups.slice(0, 5).every((group) => group === 0)
  if (!zeros) return undefined
  if (groups[5] === 0xffff) return last
  return groups[5] === 0 && groups[6] !== 0 ? last : undefined
}

function ipv4(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight groups of an IPv6 address. */
function expand(address: string): number[] {
  // The URL parser writes a dotted tail as two groups.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((g) => parseInt(g, 16)))
  if (tail === undefined) return groups(head)
  const [before, after] = [groups(head), groups(tail)]
  return [...before, ...Array(8 - before.length - after.length).fill(0), ...after]
}
