import type { GatewayFile, UpstreamAuthConfig } from '../../config/resolved-config.ts'
import type { Store } from '../../store/store.ts'

/** A server that may ask for OAuth. */
export interface ProtectedUpstream {
  readonly name: string
  readonly url: string
  readonly auth: UpstreamAuthConfig
}

/** The servers that may ask for a login. */
export function protectedUpstreams(file: Pick<GatewayFile, 'servers'>): ProtectedUpstream[] {
  return Object.values(file.servers).flatMap((server) =>
    server.type === 'stdio' || server.auth === false
      ? []
      : [{ name: server.name, url: server.url, auth: server.auth }],
  )
}

/** Who we are at one issuer, under one redirect URI. Sealed where it is stored. */
export interface ClientIdentity {
  readonly kind: 'configured' | 'metadata-document' | 'dynamic'
  readonly issuer: string
  readonly redirectUri: string
  readonly clientId: string
  readonly clientSecret?: string
  /** What the issuer registered for the token endpoint. */
  readonly authMethod?: string
  /** When the secret ends, ms since the epoch. */
  readonly expiresAt?: number
}

/** What an authorization server let us do at one server. Sealed where it is stored. */
export interface UpstreamGrant {
  /** Stays the same while it is renewed; another login is another grant. */
  readonly id: string
  readonly resource: string
  readonly client: ClientIdentity
  /** What was asked for: the base of the next step-up. */
  readonly requestedScopes: readonly string[]
  readonly grantedScopes: readonly string[]
  /** Undefined once it was refused and there is nothing to replace it. */
  readonly accessToken: string | undefined
  readonly refreshToken: string | undefined
  readonly obtainedAt: number
  readonly expiresAt: number | undefined
  /** A refresh was sent whose answer is not stored yet: the tokens above may be spent. */
  readonly refreshSentAt?: number
}

const grants = 'oauth-grants'
const clients = 'oauth-clients'
const pins = 'oauth-issuers'

export type UpstreamGrants = ReturnType<typeof createUpstreamGrants>

/**
 * The secrets of the OAuth client.
 * @param store seals what it is given (`createSealedStore`)
 */
export function createUpstreamGrants(store: Store) {
  return {
    grant: async (upstream: ProtectedUpstream) =>
      (await store.get(grants, grantKey(upstream))) as UpstreamGrant | undefined,
    saveGrant: (upstream: ProtectedUpstream, grant: UpstreamGrant): Promise<void> =>
      store.set(grants, grantKey(upstream), grant),
    /** The same, unless a login or a disconnect came in between: then that decides, and it is false. */
    renewGrant: (upstream: ProtectedUpstream, grant: UpstreamGrant): Promise<boolean> =>
      store.transaction(async (documents) => {
        const key = grantKey(upstream)
        const current = (await documents.get(grants, key)) as UpstreamGrant | undefined
        if (current?.id !== grant.id) return false
        await documents.set(grants, key, grant)
        return true
      }),
    deleteGrant: (upstream: ProtectedUpstream): Promise<void> =>
      store.delete(grants, grantKey(upstream)),
    /** A registration made earlier at this issuer for this redirect URI. */
    client: async (issuer: string, redirectUri: string) =>
      (await store.get(clients, clientKey({ issuer, redirectUri }))) as ClientIdentity | undefined,
    saveClient: (client: ClientIdentity): Promise<void> =>
      store.set(clients, clientKey(client), client),
    deleteClient: (client: ClientIdentity): Promise<void> =>
      store.delete(clients, clientKey(client)),
    /** The issuer that configured credentials were first used at. */
    pinnedIssuer: async (upstream: ProtectedUpstream) =>
      (await store.get(pins, pinKey(upstream))) as string | undefined,
    pinIssuer: (upstream: ProtectedUpstream, issuer: string): Promise<void> =>
      store.set(pins, pinKey(upstream), issuer),
  }
}

/** By address too: a token is never sent to another one because the entry was edited. */
function grantKey({ name, url }: ProtectedUpstream): string {
  return JSON.stringify([name, url])
}

function clientKey({ issuer, redirectUri }: Pick<ClientIdentity, 'issuer' | 'redirectUri'>) {
  return JSON.stringify([issuer, redirectUri])
}

/** By client id too: other credentials may belong to another issuer. */
function pinKey({ name, url, auth }: ProtectedUpstream): string {
  return JSON.stringify([name, url, auth.clientId ?? ''])
}

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
  stored: UpstreamGrants,
  redirectUri: string,
): Promise<RedirectChange[]> {
  const changes = await Promise.all(
    upstreams.map(async (upstream): Promise<RedirectChange[]> => {
      const grant = await stored.grant(upstream)
      if (!grant || upstream.auth.grant === 'client_credentials') return []
      const { clientId, issuer, kind, redirectUri: earlierRedirectUri } = grant.client
      if (earlierRedirectUri === redirectUri) return []
      const change = kind === 'configured' ? 'edit-by-hand' : 'automatic'
      return [{ server: upstream.name, issuer, clientId, earlierRedirectUri, redirectUri, change }]
    }),
  )
  return changes.flat()
}
