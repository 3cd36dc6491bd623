import { exportJWK, generateKeyPair } from 'jose'
import type { Adapter, AdapterPayload, JWKS } from 'oidc-provider'

/** What oidc-provider keeps, for as long as the test lives. */
export function createIssuerMemory(): (model: string) => Adapter {
  const documents = new Map<string, AdapterPayload>()
  const byUid = new Map<string, string>()
  return (model) => {
    const keyOf = (id: string) => `${model} ${id}`
    const find = async (id: string) => documents.get(keyOf(id))
    return {
      find,
      async upsert(id, payload) {
        documents.set(keyOf(id), payload)
        if (payload.uid !== undefined && model === 'Session') byUid.set(payload.uid, id)
      },
      findByUid: (uid) => find(byUid.get(uid) ?? ''),
      findByUserCode: async () => undefined,
      async consume(id) {
        const payload = await find(id)
        if (payload) payload.consumed = Math.floor(Date.now() / 1000)
      },
      destroy: async (id) => void documents.delete(keyOf(id)),
      async revokeByGrantId(grantId) {
        for (const [key, payload] of documents) {
          if (payload.grantId === grantId) documents.delete(key)
        }
      },
    }
  }
}

const keys = generateKeyPair('ES256', { extractable: true })

/** The key that every issuer of a test file signs with. */
export async function issuerKeys(): Promise<JWKS> {
  const jwk = await exportJWK((await keys).privateKey)
  return { keys: [{ ...jwk, alg: 'ES256', use: 'sig' }] }
}
