import { signingKeyFile } from '../../gateway/authorization.ts'
import { createGrants } from '../../oauth/authorization-server/grants.ts'
import { rotateSigningKeys } from '../../oauth/authorization-server/signing-keys.ts'
import { createApiKeys } from '../../oauth/resource-server/api-keys.ts'
import type { CommandWorld } from '../command-world.ts'
import type { AccessDeps } from './access.ts'
import { withStore } from './with-store.ts'

/** Runs a command on the keys and grants of this folder. */
export function withAccess(
  { output, process }: CommandWorld,
  run: (deps: AccessDeps) => Promise<number>,
): Promise<number> {
  const now = Date.now
  return withStore({ process }, ({ config, store }) =>
    run({
      output,
      profiles: Object.keys(config.profiles),
      apiKeys: createApiKeys({ store, now }),
      grants: createGrants({ store, now }),
      rotateSigningKeys: () => rotateSigningKeys(signingKeyFile(config.home), now()),
    }),
  )
}
