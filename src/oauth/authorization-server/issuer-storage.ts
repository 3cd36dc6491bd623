import type { Adapter } from 'oidc-provider'
import type { Store } from '../../store/store.ts'
import { createDocumentList } from '../document-list.ts'
import type { Grants } from './grants.ts'
import { createStoreAdapter, type Documents, hashOf, removeOfGrant } from './store-adapter.ts'

/** What one issuer keeps: clients, sessions, codes, tokens. Issuers see nothing of each other. */
export interface IssuerStorage {
  /** The port that oidc-provider reads and writes through; the same for the same model. */
  adapter(model: string): Adapter
  /** Registered clients that are still remembered. */
  clientCount(): Promise<number>
  /** A client the owner has approved is kept for long. */
  keepClient(clientId: string): Promise<void>
}

const day = 24 * 3_600_000
/** A registration that nobody approves is forgotten. */
const unapprovedClientMs = 7 * day
const approvedClientMs = 400 * day

export function createIssuerStorage(options: {
  store: Store
  issuer: string
  grants: Pick<Grants, 'revoke' | 'isLive'>
  now: () => number
}): IssuerStorage {
  const { store, issuer, grants, now } = options
  // One of each, as the changes of a list wait for each other.
  const lists = new Map<string, Documents>()
  const adapters = new Map<string, Adapter>()

  function documents(model: string): Documents {
    const collection = `oauth:${issuer}:${model}`
    const list = lists.get(model) ?? createDocumentList({ store, collection, now })
    lists.set(model, list)
    return list
  }

  async function revokeGrant(grantId: string): Promise<void> {
    await grants.revoke(grantId)
    await removeOfGrant(documents('AuthorizationCode'), grantId)
    await removeOfGrant(documents('RefreshToken'), grantId)
  }

  function createAdapter(model: string): Adapter {
    return createStoreAdapter({
      model,
      documents: documents(model),
      isGrantLive: (grantId) => grants.isLive(issuer, grantId),
      revokeGrant,
      keepMs: model === 'Client' ? unapprovedClientMs : undefined,
      now,
    })
  }

  return {
    adapter(model) {
      const adapter = adapters.get(model) ?? createAdapter(model)
      adapters.set(model, adapter)
      return adapter
    },
    clientCount: async () => (await documents('Client').entries()).length,
    async keepClient(clientId) {
      const key = hashOf(clientId)
      const client = await documents('Client').get(key)
      // A client that is identified by its metadata document is not stored.
      if (client) await documents('Client').put(key, client, now() + approvedClientMs)
    },
  }
}
