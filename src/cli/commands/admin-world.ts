import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import { readAdminAddress } from '../../http/admin/admin-address.ts'
import { createAdminSessions } from '../../http/admin/admin-sessions.ts'
import { openSqliteStore } from '../../store/sqlite-store.ts'
import type { CommandWorld } from '../command-world.ts'
import type { AdminCommandDeps } from './admin.ts'

const connectMs = 2_000

/** Runs the command on the store of this folder, and closes it again. */
export async function withAdmin(
  { output, process }: CommandWorld,
  run: (deps: AdminCommandDeps) => Promise<number>,
): Promise<number> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  try {
    return await run({
      output,
      sessions: createAdminSessions({ store, now: Date.now }),
      readAddress: () => readAdminAddress(store),
      answers,
    })
  } finally {
    store.close()
  }
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
