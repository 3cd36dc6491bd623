import type { Store } from '../../store/store.ts'
import type { OAuthClient, ProtectedUpstream } from './upstream-client.ts'

/** What an authorization server let us do at one server. Sealed where it is stored. */
export interface Grant {
  /** Stays the same while it is renewed; another login is another grant. */
  readonly id: string
  readonly resource: string
  readonly client: OAuthClient
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

/** The secrets of the OAuth client, over a store that seals them. */
export interface GrantStore {
  grant(upstream: ProtectedUpstream): Promise<Grant | undefined>
  saveGrant(upstream: ProtectedUpstream, grant: Grant): Promise<void>
  deleteGrant(upstream: ProtectedUpstream): Promise<void>
  /** A registration made earlier at this issuer for this redirect URI. */
  client(issuer: string, redirectUri: string): Promise<OAuthClient | undefined>
  saveClient(client: OAuthClient): Promise<void>
  deleteClient(client: OAuthClient): Promise<void>
  /** The issuer that configured credentials were first used at. */
  pinnedIssuer(upstream: ProtectedUpstream): Promise<string | undefined>
  pinIssuer(upstream: ProtectedUpstream, issuer: string): Promise<void>
}

const grants = 'oauth-grants'
const clients = 'oauth-clients'
const pins = 'oauth-issuers'

/** @param store seals what it is given (`createSealedStore`) */
export function createGrantStore(store: Store): GrantStore {
  return {
    grant: async (upstream) => (await store.get(grants, grantKey(upstream))) as Grant | undefined,
    saveGrant: (upstream, grant) => store.set(grants, grantKey(upstream), grant),
    deleteGrant: (upstream) => store.delete(grants, grantKey(upstream)),
    client: async (issuer, redirectUri) =>
      (await store.get(clients, clientKey(issuer, redirectUri))) as OAuthClient | undefined,
    saveClient: (client) =>
      store.set(clients, clientKey(client.issuer, client.redirectUri), client),
    deleteClient: (client) => store.delete(clients, clientKey(client.issuer, client.redirectUri)),
    pinnedIssuer: async (upstream) =>
      (await store.get(pins, pinKey(upstream))) as string | undefined,
    pinIssuer: (upstream, issuer) => store.set(pins, pinKey(upstream), issuer),
  }
}

/** By address too: a token is never sent to another one because the entry was edited. */
function grantKey({ name, url }: ProtectedUpstream): string {
  return JSON.stringify([name, url])
}

function clientKey(issuer: string, redirectUri: string): string {
  return JSON.stringify([issuer, redirectUri])
}

/** By client id too: other credentials may belong to another issuer. */
function pinKey({ name, url, auth }: ProtectedUpstream): string {
  return JSON.stringify([name, url, auth.clientId ?? ''])
}
