import { UserError } from '../errors.ts'
import { isPlainHost } from '../lib/plain-host.ts'

/** The origin of an address that a service or a program gave out; undefined when it is none we take. */
export function parsePublicAddress(text: string): URL | undefined {
  const url = URL.parse(text)
  const isTaken = url && /^https?:$/.test(url.protocol) && isPlainHost(url.hostname)
  return isTaken ? new URL(url.origin) : undefined
}

/** Says that what a service or a program gave out is no address we take. */
export function addressRefused(giver: string, text: string): UserError {
  return new UserError(
    'TUNNEL_ADDRESS_REFUSED',
    `${giver} gave out ${JSON.stringify(text.slice(0, 200))}, which is no address that is taken: its host must be a name of letters, digits and hyphens, or an IP address.`,
    { hint: 'Choose another provider with TUNNEL, and ask whoever runs this one.' },
  )
}
