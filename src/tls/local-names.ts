import { isIP } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { isEverywhere } from '../origin/exposure.ts'
import { canonicalAddress } from './certificate.ts'
import { isInRanges, isPermittedName, type PermittedNames } from './name-constraints.ts'

/** Names that never leave a machine or its link (RFC 6761, RFC 6762). */
const localDomains = ['localhost', 'local']

/** Loopback, private, carrier-grade NAT, link-local and unique local addresses. */
const localRanges = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
]

const dnsName =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** What `os.networkInterfaces()` returns. */
export type NetworkInterfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/**
 * What a new authority of ours may sign for. `hostname` is added when it has a domain: a bare name
 * such as `dev` is also a public top-level domain, and would permit everything under it.
 */
export function permittedForAuthority(hostname: string): PermittedNames {
  const host = hostname.toLowerCase()
  const isQualified = isIP(host) === 0 && dnsName.test(host) && host.includes('.')
  const isNew = isQualified && !isPermittedName(localDomains, host)
  return [...localDomains, ...(isNew ? [host] : []), ...localRanges]
}

/** The interfaces on which a listener of that HOST is reached from other machines by address. */
export function listenedOn(host: string, interfaces: NetworkInterfaces): NetworkInterfaces {
  if (!isEverywhere(host)) return {}
  const hears = ({ family }: NetworkInterfaceInfo) => host === '::' || family === 'IPv4'
  return Object.fromEntries(
    Object.entries(interfaces).map(([name, addresses]) => [name, addresses?.filter(hears)]),
  )
}

/**
 * Addresses other machines of the local network can reach us at. Public ones are left out, and so
 * are link-local IPv6 addresses: they need a zone, and a URL has no place for one.
 */
export function lanAddresses(interfaces: NetworkInterfaces): string[] {
  return externalAddresses(interfaces).filter((address) => isInRanges(localRanges, address))
}

/** The others: neither the certificate of our own making nor an origin of ours has them. */
export function outsideAddresses(interfaces: NetworkInterfaces): string[] {
  return externalAddresses(interfaces).filter((address) => !isInRanges(localRanges, address))
}

function externalAddresses(interfaces: NetworkInterfaces): string[] {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => canonicalAddress(address))
    .filter((address) => !isInRanges(['fe80::/10'], address))
}

/**
 * What the leaf certificate must cover, each once, `localhost` first; and which of the asked names
 * it cannot have, because they are not names or because the authority may not sign for them (one
 * such name would make clients refuse the whole certificate).
 */
export function resolveLeafNames(options: {
  names: readonly string[]
  interfaces: NetworkInterfaces
  permitted: PermittedNames | undefined
}): { names: string[]; refused: string[] } {
  const asked = options.names.map((name) => canonicalAddress(name.toLowerCase()))
  const loopback = ['localhost', '127.0.0.1', '::1']
  const all = [...new Set([...loopback, ...asked, ...lanAddresses(options.interfaces)])]
  const isAllowed = (name: string): boolean =>
    (isIP(name) !== 0 || dnsName.test(name)) && isPermittedName(options.permitted, name)
  return { names: all.filter(isAllowed), refused: all.filter((name) => !isAllowed(name)) }
}
