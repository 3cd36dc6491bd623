import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type DerElement, decodeDer, encodeDer } from './der.ts'

/** RFC 5280 4.2.1.10. */
export const nameConstraintsOid = '2.5.29.30'

/**
 * What an authority may sign for: a DNS name stands for itself and every name under it, a range is
 * written `address/prefix`. Where one of the two kinds is missing, that kind is unconstrained.
 */
export type PermittedNames = readonly string[]

const tags = { sequence: 0x30, permitted: 0xa0, dnsName: 0x82, ipAddress: 0x87, extensions: 0xa3 }
const oidContent = Buffer.from([0x55, 0x1d, 0x1e])

/** Encodes the value of the extension; every entry becomes one permitted subtree. */
export function encodeNameConstraints(permitted: PermittedNames): Uint8Array {
  const subtrees = permitted.map((entry) => encodeDer(tags.sequence, encodeEntry(entry)))
  return encodeDer(tags.sequence, encodeDer(tags.permitted, ...subtrees))
}

/** What a certificate (DER) permits; undefined when it has no name constraints. */
export function permittedNamesOf(certificate: Uint8Array): PermittedNames | undefined {
  const fields = inside(inside(decodeDer(certificate)[0])[0])
  const list = inside(fields.find((field) => field.tag === tags.extensions))[0]
  for (const extension of inside(list)) {
    const [oid, ...rest] = inside(extension)
    if (oid && oidContent.equals(oid.content)) return decodeNameConstraints(rest.at(-1)?.content)
  }
  return undefined
}

/** Whether an authority that permits `permitted` may sign for a DNS name or an address. */
export function isPermittedName(permitted: PermittedNames | undefined, name: string): boolean {
  if (!permitted) return true
  const isAddress = isIP(name) !== 0
  const entries = permitted.filter((entry) => entry.includes('/') === isAddress)
  if (entries.length === 0) return true
  return isAddress ? isInRanges(entries, name) : entries.some((entry) => isUnder(entry, name))
}

/** Whether an address lies in one of the ranges, each written `address/prefix`. */
export function isInRanges(ranges: readonly string[], address: string): boolean {
  const inside = ranges.map((range) => ipaddr.parseCIDR(range))
  return ipaddr.subnetMatch(ipaddr.parse(address), { inside }, 'outside') === 'inside'
}

function decodeNameConstraints(value: Uint8Array = new Uint8Array()): PermittedNames {
  const permitted = inside(decodeDer(value)[0]).find((field) => field.tag === tags.permitted)
  return inside(permitted).flatMap((subtree) => inside(subtree).slice(0, 1).flatMap(decodeEntry))
}

function encodeEntry(entry: string): Uint8Array {
  if (!entry.includes('/')) return encodeDer(tags.dnsName, Buffer.from(entry, 'ascii'))
  const [network, prefix] = ipaddr.parseCIDR(entry)
  const family = network.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  const mask = family.subnetMaskFromPrefixLength(prefix)
  return encodeDer(
    tags.ipAddress,
    Uint8Array.from([...network.toByteArray(), ...mask.toByteArray()]),
  )
}

function decodeEntry({ tag, content }: DerElement): string[] {
  if (tag === tags.dnsName) return [Buffer.from(content).toString('ascii')]
  if (tag !== tags.ipAddress || ![8, 32].includes(content.length)) return []
  const half = content.length / 2
  const network = ipaddr.fromByteArray([...content.subarray(0, half)])
  const mask = ipaddr.fromByteArray([...content.subarray(half)])
  // A mask with gaps is no prefix; then the address alone is sure to be meant.
  return [`${network}/${mask.prefixLengthFromSubnetMask() ?? 8 * half}`]
}

function inside(element: DerElement | undefined): DerElement[] {
  return element ? decodeDer(element.content) : []
}

function isUnder(domain: string, name: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}
