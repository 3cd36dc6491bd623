import { isIP, isIPv6 } from 'node:net'
import { isLoopbackAddress } from '../lib/loopback.ts'

/** Which forwarded header of a tunnel edge names the client, and which of its values. */
export interface ForwardedForm {
  readonly header: string
  readonly take: 'first' | 'last'
}

/** Who sent a request, and over what, as far as it can be believed. */
export interface RequestSource {
  readonly address: string
  readonly scheme: 'http' | 'https'
}

export interface RequestFacts {
  /** Address of the socket's other end. */
  readonly peer: string | undefined
  /** Scheme of the listener that took the request. */
  readonly scheme: 'http' | 'https'
  /** One header by its lower-case name; several of that name are joined by commas. */
  readonly header: (name: string) => string | undefined
  /** Set when the request came in through the tunnel's own listener: what is known of the tunnel. */
  readonly tunnel:
    | {
        /** Scheme of its public address, where TLS ends. */
        readonly scheme: 'http' | 'https'
        /** The form of the active provider's edge. */
        readonly clientAddress: ForwardedForm | undefined
      }
    | undefined
}

/**
 * The client's address and scheme. Headers count only where the tunnel's process connects from this
 * machine, and only the one the active provider's edge sets; any other may be the caller's own.
 */
export function requestSource({ peer, scheme, header, tunnel }: RequestFacts): RequestSource {
  const address = plainAddress(peer ?? '')
  if (!tunnel || !isLoopbackAddress(address)) return { address, scheme }
  const form = tunnel.clientAddress
  const forwarded = form && pick(header(form.header), form.take)
  return {
    address: forwarded !== undefined && isIP(forwarded) ? plainAddress(forwarded) : address,
    // The proven address says it, so X-Forwarded-Proto, which callers can send too, is not asked.
    scheme: tunnel.scheme,
  }
}

function pick(value: string | undefined, take: 'first' | 'last'): string | undefined {
  const values = value?.split(',').map((one) => one.trim())
  return take === 'first' ? values?.[0] : values?.at(-1)
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/**
 * Whom limits count an address as: an IPv4 address as itself, an IPv6 address as its /64, which is
 * what one subscriber has at the least.
 */
export function addressBlock(address: string): string {
  const plain = plainAddress(address)
  if (!isIPv6(plain) || isLoopbackAddress(plain)) return plain
  const [head = '', tail] = plain.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  const groups = tail === undefined ? left : [...left, ...zeros, ...right]
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':')}::/64`
}
