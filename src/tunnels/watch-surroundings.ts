import type { NetworkInterfaceInfo } from 'node:os'
import type { Clock } from '../lib/clock.ts'

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
