import type { TunnelEntry } from './open-proven.ts'
import type { TunnelEdge } from './tunnel-edge.ts'

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
