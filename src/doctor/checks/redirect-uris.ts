import { join } from 'node:path'
import { listOf } from '../../lib/wording.ts'
import {
  createUpstreamGrants,
  type ProtectedUpstream,
  protectedUpstreams,
  type RedirectChange,
  redirectChanges,
} from '../../oauth/client/upstream-grants.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import { createSealedStore } from '../../store/sealed-store.ts'
import { readSealingKey } from '../../store/sealing-key.ts'
import { openReadOnlyStore } from '../../store/sqlite-store.ts'
import { type Check, type Finding, ok, warn } from '../check.ts'
import { appUrlOf, configOf, type DoctorWorld } from '../world.ts'

/** Whether each server's issuer knows the redirect URI that we would send it now. */
export const redirectUris: Check = {
  id: 'redirect-uris',
  title: 'Logins to servers',
  async run(world) {
    const config = configOf(world)
    const appUrl = appUrlOf(world)
    const upstreams = config ? protectedUpstreams(config) : []
    if (appUrl === undefined || upstreams.length === 0) return []
    const { redirectUri } = publicUrls(appUrl)
    const changes = await readChanges({ world, upstreams, redirectUri, secret: config?.secret })
    return changes === undefined ? [] : summarize(changes, redirectUri)
  },
}

/** Undefined when nothing was ever stored. */
async function readChanges(options: {
  world: DoctorWorld
  upstreams: readonly ProtectedUpstream[]
  redirectUri: string
  secret: string | undefined
}): Promise<RedirectChange[] | undefined> {
  const { world, upstreams, redirectUri, secret } = options
  const path = join(world.home, 'state.sqlite')
  const key = await readSealingKey({ home: world.home, secret })
  if (!key || (await world.modeOf(path)) === undefined) return undefined
  const store = await openReadOnlyStore(path)
  try {
    const grants = createUpstreamGrants(createSealedStore(store, key))
    return await redirectChanges(upstreams, grants, redirectUri)
  } finally {
    await store.close()
  }
}

function summarize(changes: readonly RedirectChange[], redirectUri: string): Finding[] {
  const byHand = changes.filter(({ change }) => change === 'edit-by-hand')
  const automatic = changes.filter(({ change }) => change === 'automatic')
  if (changes.length === 0) return [ok(`Logins use the redirect URI ${redirectUri}.`)]
  return [
    ...byHand.map(({ server, issuer, clientId, earlierRedirectUri }) =>
      warn(
        `The client ${JSON.stringify(clientId)} of server "${server}" is registered for ${earlierRedirectUri}, so the next login is refused: redirect not allowed.`,
        `Add this redirect URI at ${issuer}: ${redirectUri}`,
      ),
    ),
    ...(automatic.length > 0
      ? [
          ok(
            `The address changed since the login to ${listOf(automatic.map(({ server }) => server))}; the next login registers the new one by itself.`,
          ),
        ]
      : []),
  ]
}
