import { BlockList, isIP } from 'node:net'
import { type DerElement, decodeDer, encodeDer } from './der.ts'
import { addressBytes, formatAddress } from './ip-address.ts'

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
  const list = new BlockList()
  for (const range of ranges) {
    const { network, prefix } = parseRange(range)
    list.addSubnet(network, prefix, familyOf(network))
  }
  return list.check(address, familyOf(address))
}

function decodeNameConstraints(value: Uint8Array = new Uint8Array()): PermittedNames {
  const permitted = inside(decodeDer(value)[0]).find((field) => field.tag === tags.permitted)
  return inside(permitted).flatMap((subtree) => inside(subtree).slice(0, 1).flatMap(decodeEntry))
}

function encodeEntry(entry: string): Uint8Array {
  if (!entry.includes('/')) return encodeDer(tags.dnsName, Buffer.from(entry, 'ascii'))
  const { network, prefix } = parseRange(entry)
  const bytes = addressBytes(network)
  return encodeDer(tags.ipAddress, bytes, maskBytes(prefix, bytes.length))
}

function decodeEntry({ tag, content }: DerElement): string[] {
  if (tag === tags.dnsName) return [Buffer.from(content).toString('ascii')]
  if (tag !== tags.ipAddress) return []
  const half = content.length / 2
  const mask = Buffer.from(content.subarray(half)).toString('hex')
  const prefix = BigInt(`0x${mask}`).toString(2).replaceAll('0', '').length
  return [`${formatAddress(content.subarray(0, half))}/${prefix}`]
}

function maskBytes(prefix: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => {
    const bits = Math.min(8, Math.max(0, prefix - 8 * index))
    return 0xff & (0xff << (8 - bits))
  })
}

function parseRange(range: string): { network: string; prefix: number } {
  const [network = '', prefix] = range.split('/')
  return { network, prefix: Number(prefix) }
}

function inside(element: DerElement | undefined): DerElement[] {
  return element ? decodeDer(element.content) : []
}

function isUnder(domain: string, name: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
