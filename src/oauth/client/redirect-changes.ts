import type { GrantStore } from './grant-store.ts'
import type { ProtectedUpstream } from './upstream-client.ts'

/** A server whose login was made for another redirect URI than the one of now. */
export interface RedirectChange {
  readonly server: string
  readonly issuer: string
  readonly clientId: string
  readonly earlierRedirectUri: string
  /** Exactly what must be registered. */
  readonly redirectUri: string
  /** `edit-by-hand`: its owner must change it at the issuer. `automatic`: the next login does. */
  readonly change: 'edit-by-hand' | 'automatic'
}

/**
 * What a changed public URL means for each server. Tokens stay valid: they belong to the client,
 * not to its redirect URI, and a dynamic client is registered anew when somebody logs in next.
 */
export async function redirectChanges(
  upstreams: readonly ProtectedUpstream[],
  grants: GrantStore,
  redirectUri: string,
): Promise<RedirectChange[]> {
  const changes = await Promise.all(
    upstreams.map(async (upstream): Promise<RedirectChange[]> => {
      const grant = await grants.grant(upstream)
      if (!grant || upstream.auth.grant === 'client_credentials') return []
      const { client } = grant
      if (client.redirectUri === redirectUri) return []
      return [
        {
          server: upstream.name,
          issuer: client.issuer,
          clientId: client.clientId,
          earlierRedirectUri: client.redirectUri,
          redirectUri,
          change: client.kind === 'configured' ? 'edit-by-hand' : 'automatic',
        },
      ]
    }),
  )
  return changes.flat()
}
