import { UserError } from '../../errors.ts'
import { type GrantRefreshOptions, refreshGrant } from './grant-refresh.ts'
import type { Grant } from './grant-store.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { ProtectedUpstream } from './upstream-client.ts'

/** How long before its end an access token is renewed, ms, but at most a tenth of its life. */
const marginMs = 60_000
/** After a renewal that nobody answered, calls wait so long before the next attempt, ms. */
const pauseMs = 5_000

/** Holds the grants in use and renews each at most once at a time. */
export interface GrantKeeper {
  /** A grant whose access token is fresh, renewed if need be; undefined when there is none. */
  fresh(upstream: ProtectedUpstream): Promise<Grant | undefined>
  /** The grant as stored, which another process may have replaced. */
  reload(upstream: ProtectedUpstream): Promise<Grant | undefined>
  /** Replaces the access token that was refused; undefined when only a login helps. */
  renew(upstream: ProtectedUpstream, refused: string | undefined): Promise<Grant | undefined>
  /** Stores what `task` obtains; whoever asks while it runs gets the same. */
  obtain(upstream: ProtectedUpstream, task: () => Promise<Grant>): Promise<Grant | undefined>
  replace(upstream: ProtectedUpstream, grant: Grant): Promise<void>
  forget(upstream: ProtectedUpstream): Promise<void>
}

export function createGrantKeeper(options: GrantRefreshOptions): GrantKeeper {
  const { grants, clock } = options
  const held = new Map<string, Grant | undefined>()
  const running = new Map<string, Promise<Grant | undefined>>()
  const paused = new Map<string, { until: number; error: UpstreamAuthError }>()
  const keyOf = ({ name, url }: ProtectedUpstream) => `${name} ${url}`

  /** Everybody who asks while a renewal runs gets its outcome. */
  function once(
    upstream: ProtectedUpstream,
    task: () => Promise<Grant | undefined>,
  ): Promise<Grant | undefined> {
    const key = keyOf(upstream)
    const current = running.get(key)
    if (current) return current
    const pause = paused.get(key)
    if (pause && clock.now() < pause.until) return Promise.reject(pause.error)
    const started = task()
      .catch((error: unknown) => {
        if (error instanceof UpstreamAuthError)
          paused.set(key, { until: clock.now() + pauseMs, error })
        throw error
      })
      .finally(() => running.delete(key))
    running.set(key, started)
    return started
  }

  async function load(upstream: ProtectedUpstream): Promise<Grant | undefined> {
    const key = keyOf(upstream)
    if (!held.has(key)) held.set(key, await grants.grant(upstream))
    return held.get(key)
  }

  async function refresh(
    upstream: ProtectedUpstream,
    spent: string | undefined,
  ): Promise<Grant | undefined> {
    const stored = await keeper.reload(upstream)
    // Another call, or another process, was faster.
    if (!stored || (stored.accessToken !== spent && isFresh(stored))) return stored
    const isRenewed = await refreshGrant(upstream, stored, options)
    const grant = await keeper.reload(upstream)
    return isRenewed ? grant : undefined
  }

  function isFresh(grant: Grant): boolean {
    if (grant.refreshSentAt !== undefined || grant.accessToken === undefined) return false
    if (grant.expiresAt === undefined) return true
    const margin = Math.min(marginMs, (grant.expiresAt - grant.obtainedAt) / 10)
    return clock.now() < grant.expiresAt - margin
  }

  function unlessOver(grant: Grant): Grant | undefined {
    const { accessToken, expiresAt } = grant
    const isOver = expiresAt !== undefined && clock.now() >= expiresAt
    return accessToken === undefined || isOver ? undefined : grant
  }

  const keeper: GrantKeeper = {
    async fresh(upstream) {
      const grant = held.get(keyOf(upstream)) ?? (await load(upstream))
      if (!grant || isFresh(grant)) return grant
      if (grant.refreshToken === undefined) {
        // Its own credentials get another one whenever it is time.
        return upstream.auth.grant === 'client_credentials' ? undefined : unlessOver(grant)
      }
      try {
        const renewed = await once(upstream, () => refresh(upstream, grant.accessToken))
        return renewed ?? unlessOver(grant)
      } catch (error) {
        const usable = error instanceof UserError ? unlessOver(grant) : undefined
        if (usable) return usable
        throw error
      }
    },
    async reload(upstream) {
      const stored = await grants.grant(upstream)
      held.set(keyOf(upstream), stored)
      return stored
    },
    renew: (upstream, refused) => once(upstream, () => refresh(upstream, refused)),
    obtain: (upstream, task) =>
      once(upstream, async () => {
        const grant = await task()
        await keeper.replace(upstream, grant)
        return grant
      }),
    async replace(upstream, grant) {
      await grants.saveGrant(upstream, grant)
      held.set(keyOf(upstream), grant)
      paused.delete(keyOf(upstream))
    },
    async forget(upstream) {
      await grants.deleteGrant(upstream)
      held.delete(keyOf(upstream))
    },
  }
  return keeper
}
