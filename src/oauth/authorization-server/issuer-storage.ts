import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Store } from '../../store/store.ts'
import type { Grants } from './grants.ts'
import { createStoreAdapter, hashOf } from './store-adapter.ts'

/** What one issuer keeps: clients, sessions, codes, tokens. Issuers see nothing of each other. */
export interface IssuerStorage {
  /** The port that oidc-provider reads and writes through; the same for the same model. */
  adapter(model: string): Adapter
  /** A client the owner has approved is kept for long, and gives way to none. */
  keepClient(clientId: string): Promise<void>
  /** Ends the session of a browser, so that it can begin another as somebody else. */
  endSession(uid: string): Promise<void>
}

const day = 24 * 3_600_000
/** A registration that nobody approves is forgotten, or gives way to newer ones. */
const unapprovedClientMs = 7 * day
const approvedClientMs = 400 * day
const maxNewClients = 500

export function createIssuerStorage(options: {
  store: Store
  issuer: string
  grants: Pick<Grants, 'revoke' | 'isLive'>
  now: () => number
}): IssuerStorage {
  const { store, issuer, grants, now } = options
  // One of each, as an adapter knows which codes are being used.
  const adapters = new Map<string, Adapter>()
  const collectionOf = (model: string) => `oauth:${issuer}:${model}`
  const newClients = collectionOf('NewClient')

  /** Removes what was issued on a grant. */
  async function removeOfGrant(model: string, grantId: string): Promise<void> {
    const collection = collectionOf(model)
    for (const { key, value } of await store.list(collection)) {
      if ((value as AdapterPayload).grantId === grantId) await store.delete(collection, key)
    }
  }

  async function revokeGrant(grantId: string): Promise<void> {
    await grants.revoke(grantId)
    await removeOfGrant('AuthorizationCode', grantId)
    await removeOfGrant('RefreshToken', grantId)
  }

  function createAdapter(model: string): Adapter {
    return createStoreAdapter({
      model,
      issuer,
      store,
      collection: collectionOf(model),
      isGrantLive: (grantId) => grants.isLive(issuer, grantId),
      revokeGrant,
      removeOfGrant: (grantId) => removeOfGrant(model, grantId),
      now,
    })
  }

  /** Those that nobody has approved stand apart: there they are bounded, and the oldest gives way. */
  function createClientAdapter(): Adapter {
    const approved = createAdapter('Client')
    return {
      ...approved,
      find: async (id) =>
        (await approved.find(id)) ?? ((await store.get(newClients, hashOf(id))) as AdapterPayload),
      async upsert(id, { client_secret, ...payload }) {
        const client = {
          ...payload,
          ...(client_secret !== undefined && { client_secret: hashOf(client_secret) }),
        }
        await store.set(newClients, hashOf(id), client, { expiresAt: now() + unapprovedClientMs })
        await store.trim(newClients, maxNewClients)
      },
    }
  }

  return {
    adapter(model) {
      const adapter =
        adapters.get(model) ?? (model === 'Client' ? createClientAdapter() : createAdapter(model))
      adapters.set(model, adapter)
      return adapter
    },
    async keepClient(clientId) {
      const key = hashOf(clientId)
      const kept = collectionOf('Client')
      const client = (await store.get(newClients, key)) ?? (await store.get(kept, key))
      // A client that is identified by its metadata document is not stored.
      if (client === undefined) return
      await store.set(kept, key, client, { expiresAt: now() + approvedClientMs })
      await store.delete(newClients, key)
    },
    async endSession(uid) {
      const key = await store.get(collectionOf('SessionUid'), hashOf(uid))
      if (typeof key === 'string') await store.delete(collectionOf('Session'), key)
    },
  }
}
