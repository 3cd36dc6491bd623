import type { LookupFunction } from 'node:net'
import { quoted } from '../../lib/printable.ts'
import { type AddressZone, zoneOfAddress, zoneOfHost } from './address-zone.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'

export type ResolveAddresses = (
  hostname: string,
) => Promise<readonly { address: string; family: number }[]>

export interface AddressGuard {
  /** The server as the user configured it: its own origin may be at any address. */
  readonly serverUrl: string
  readonly reach: ReadonlySet<AddressZone>
}

/** Checks what the address says by itself; the resolver's answer is checked when connecting. */
export function requireAllowedUrl(url: URL, { serverUrl, reach }: AddressGuard): void {
  const zone = zoneOfHost(url.hostname)
  const isPlainLoopback = url.protocol === 'http:' && zone === 'loopback'
  if (url.protocol !== 'https:' && !isPlainLoopback) throw refusedAddress(url, 'is not https')
  if (url.username !== '' || url.password !== '') throw refusedAddress(url, 'holds a user name')
  if (zone === undefined || reach.has(zone) || url.origin === new URL(serverUrl).origin) return
  throw refusedAddress(url, `is a ${zone} address`)
}

/**
 * A lookup for sockets that fails for a name with an address out of reach. What it checks is what is
 * connected to, so DNS cannot change its answer in between.
 */
export function guardedLookup(
  resolve: ResolveAddresses,
  reach: ReadonlySet<AddressZone> | undefined,
): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname)
      .then((addresses) => {
        const bad = addresses.find(({ address }) => reach && !reach.has(zoneOfAddress(address)))
        if (bad) {
          const where = `leads to the ${zoneOfAddress(bad.address)} address ${bad.address}`
          throw refusedAddress(new URL(`https://${hostname}`), where)
        }
        const [first] = addresses
        if (!first) throw new Error(`no address found for ${hostname}`)
        if (all) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      })
      .catch((error: Error) => callback(error, ''))
  }
}

export function refusedAddress(url: URL, reason: string): UpstreamAuthError {
  return new UpstreamAuthError(
    'address-refused',
    `Did not contact ${quoted(url.href)}, which the server named for its authorization: the address ${reason}.`,
    {
      hint: 'OAuth needs https, except on this machine, and a public server may not point into your network. If the server is in your own network, set "allowPrivateNetwork" in its "auth" in the configuration file.',
    },
  )
}
