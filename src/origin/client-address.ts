import { isIP, isIPv6 } from 'node:net'
import { isLoopbackAddress, isLoopbackHost } from '../lib/hosts.ts'
import type { Exposure } from './exposure.ts'
import type { ListenerName } from './known-origins.ts'

/** Which forwarded header of a tunnel edge names the client, and which of its values. */
export interface ForwardedForm {
  readonly header: string
  readonly take: 'first' | 'last'
}

export interface AddressFacts {
  /** Address of the socket's other end. */
  readonly peer: string | undefined
  /** One header by its lower-case name; several of that name are joined by commas. */
  readonly header: (name: string) => string | undefined
  /** The form of the active provider's edge, where the request came in through the tunnel's own listener. */
  readonly form: ForwardedForm | undefined
}

/**
 * Who sent a request, as far as it can be believed. A header counts only where the tunnel's process
 * connects from this machine, and only the one the active provider's edge sets; any other may be the
 * caller's own.
 */
export function clientAddress({ peer, header, form }: AddressFacts): string {
  const address = plainAddress(peer ?? '')
  if (!form || !isLoopbackAddress(address)) return address
  const forwarded = pick(header(form.header), form.take)
  return forwarded !== undefined && isIP(forwarded) ? plainAddress(forwarded) : address
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

/** Who sent a request, as far as senders can be told apart. */
export interface Sender {
  /** Equal for all that one sender sends. */
  readonly key: string
  /** Whether it came in through a listener that nobody beyond this machine reaches. */
  readonly isLocal: boolean
  /** For the person at the terminal, such as `203.0.113.9, through the tunnel`. */
  readonly words: string
}

/** What proxies and tunnels add, and browsers do not. */
const forwardingHeaders = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]

/**
 * Whether a request can only come from this machine. The listener decides; Host and headers can only
 * make it worse, as where a proxy or tunnel of the user's own leads to a local port.
 */
export function isFromThisMachine(facts: {
  /** Who can reach the listener it came in through. */
  readonly exposure: Exposure
  /** The origin its Host named. */
  readonly origin: string
  /** One header by its lower-case name. */
  readonly header: (name: string) => string | undefined
}): boolean {
  const { exposure, origin, header } = facts
  const isForwarded = forwardingHeaders.some((name) => header(name) !== undefined)
  return exposure === 'loopback' && isLoopbackHost(new URL(origin).hostname) && !isForwarded
}

/** @param address as {@link clientAddress} found it */
export function senderOf(
  address: string,
  facts: Parameters<typeof isFromThisMachine>[0] & { readonly listener: ListenerName },
): Sender {
  const { listener, exposure } = facts
  if (isFromThisMachine(facts)) return { key: 'this machine', isLocal: true, words: 'this machine' }
  const key = `${listener} ${addressBlock(address)}`
  if (listener !== 'tunnel') {
    return { key, isLocal: false, words: `${address}, through ${ways[exposure]}` }
  }
  // A tunnel whose edge does not name the client: all that is seen is the tunnel's own program.
  const who = isLoopbackAddress(address) ? '' : `${address}, `
  return { key, isLocal: false, words: `${who}through the tunnel` }
}

const ways: Readonly<Record<Exposure, string>> = {
  loopback: 'a proxy of your own',
  network: 'your network',
  public: 'your public address',
}
