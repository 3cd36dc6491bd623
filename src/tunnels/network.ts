import type { NetworkInterfaceInfo } from 'node:os'
import type { Clock } from '../lib/clock.ts'
import type { TunnelEntry } from './open-tunnel.ts'
import type { TunnelEdge } from './tunnel-edge.ts'

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

const everyMs = 1_000
/** A tick that comes so much late means that the machine, or this process, was asleep, ms. */
const jumpMs = 4_000

/** Reports a wake from sleep and a change of the machine's addresses, until the result is called. */
export function watchSurroundings(options: {
  clock: Clock
  interfaces: () => Interfaces
  onChange: (what: 'woke' | 'network changed') => void
}): () => void {
  const { clock, interfaces, onChange } = options
  let tickedAt = clock.now()
  let addresses = addressesOf(interfaces())
  return clock.every(everyMs, () => {
    const slept = clock.now() - tickedAt > everyMs + jumpMs
    tickedAt = clock.now()
    const known = addresses
    addresses = addressesOf(interfaces())
    if (slept) onChange('woke')
    else if (addresses !== known) onChange('network changed')
  })
}

/** The addresses by which this machine reaches others, as one string to compare. */
function addressesOf(interfaces: Interfaces): string {
  return Object.entries(interfaces)
    .flatMap(([name, all = []]) =>
      all.filter(({ internal }) => !internal).map(({ address }) => `${name} ${address}`),
    )
    .sort()
    .join('\n')
}

/**
 * Creates the check whether any provider's service can be reached at all, which takes under two
 * seconds. A provider whose service is not known counts as reachable.
 */
export function createOnlineCheck(
  edge: TunnelEdge,
  entries: readonly TunnelEntry[],
): (signal: AbortSignal) => Promise<boolean> {
  const services = entries.map(({ service }) => service)
  return async (signal) => {
    if (services.includes(undefined)) return true
    const looks = services.map(async (service) => {
      if ((await edge.look({ publicUrl: undefined, service }, signal)) === 'silent') {
        throw new Error('unreachable')
      }
    })
    return Promise.any(looks).then(
      () => true,
      () => false,
    )
  }
}
