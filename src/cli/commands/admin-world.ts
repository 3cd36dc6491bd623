import { once } from 'node:events'
import { connect } from 'node:net'
import { readAdminAddress } from '../../http/admin/admin-address.ts'
import { createAdminSessions } from '../../http/admin/session.ts'
import type { CommandWorld } from '../command-world.ts'
import type { AdminCommandDeps } from './admin.ts'
import { withStore } from './with-store.ts'

const connectMs = 2_000

/** Runs the command on the admin sessions of this folder. */
export function withAdmin(
  { output, process }: CommandWorld,
  run: (deps: AdminCommandDeps) => Promise<number>,
): Promise<number> {
  return withStore({ process }, ({ store }) =>
    run({
      output,
      sessions: createAdminSessions({ store, now: Date.now }),
      readAddress: () => readAdminAddress(store),
      answers,
    }),
  )
}

async function answers(origin: string): Promise<boolean> {
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
