import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The one spelling of an address (RFC 5952 for IPv6), whatever spelling it came in. */
export function canonicalAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
}

/** The 4 or 16 bytes of a valid address without a zone. */
export function addressBytes(address: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(address).toByteArray())
}

/** The canonical spelling of 4 or 16 bytes. */
export function formatAddress(bytes: Uint8Array): string {
  return canonicalAddress(ipaddr.fromByteArray([...bytes]).toString())
}
