import { once } from 'node:events'
import { connect } from 'node:net'
import { UserError } from '../../errors.ts'
import type { AdminAddress } from '../../http/admin/admin-address.ts'

const connectMs = 2_000

/**
 * The origin at which the gateway of this folder answers its owner alone.
 * @param address what the gateway said of it when it started
 * @throws UserError USAGE when no gateway runs, or none that its owner alone can reach
 */
export async function ownersOrigin(
  address: AdminAddress | undefined,
  answers: (origin: string) => Promise<boolean> = hasListener,
): Promise<string> {
  if (address && address.origin === undefined) {
    throw new UserError(
      'USAGE',
      'This is answered on this machine only, and every listener of the gateway can be reached from elsewhere.',
      { hint: 'Leave HOST at 127.0.0.1; with APP_URL, keep local HTTPS on.' },
    )
  }
  if (address?.origin === undefined || !(await answers(address.origin))) {
    throw new UserError('USAGE', 'No gateway runs in this folder.', {
      hint: 'Start it with `pnpm dev:https`, then run this again in another terminal.',
    })
  }
  return address.origin
}

async function hasListener(origin: string): Promise<boolean> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), timeout: connectMs })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectMs) })
    return true
  } catch {
    // Refused: the gateway that left its address behind was killed.
    return false
  } finally {
    socket.destroy()
  }
}
