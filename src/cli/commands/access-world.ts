import { join } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import { signingKeyFile } from '../../gateway/authorization.ts'
import { createGrants } from '../../oauth/authorization-server/grants.ts'
import { rotateSigningKeys } from '../../oauth/authorization-server/signing-keys.ts'
import { createApiKeys } from '../../oauth/resource-server/api-keys.ts'
import { openSqliteStore } from '../../store/sqlite-store.ts'
import type { CommandWorld } from '../command-world.ts'
import type { AccessDeps } from './access.ts'

/** Runs a command on the store of this folder, and closes it again. */
export async function withAccess(
  { output, process }: CommandWorld,
  run: (deps: AccessDeps) => Promise<number>,
): Promise<number> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  const now = Date.now
  try {
    return await run({
      output,
      profiles: Object.keys(config.profiles),
      apiKeys: createApiKeys({ store, now }),
      grants: createGrants({ store, now }),
      rotateSigningKeys: () => rotateSigningKeys(signingKeyFile(config.home), now()),
    })
  } finally {
    store.close()
  }
}
