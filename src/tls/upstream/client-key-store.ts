import { X509Certificate } from 'node:crypto'
import type { Store } from '../../store/store.ts'

const collection = 'upstream-client-keys'

/** The private keys of client certificates, sealed at rest. `cert` is PEM, leaf first. */
export interface ClientKeyStore {
  put(server: string, pair: { readonly cert: string; readonly key: string }): Promise<void>
  /** PEM; undefined when it is gone. Throws UserError STORE_UNUSABLE when it cannot be unsealed. */
  get(server: string, cert: string): Promise<string | undefined>
  remove(server: string, cert: string): Promise<void>
}

/** Keys are kept by the certificate they belong to, so that a new pair never mixes with the old. */
export function createClientKeyStore(sealedStore: () => Promise<Store>): ClientKeyStore {
  const nameOf = (server: string, cert: string) =>
    `${server} ${new X509Certificate(cert).fingerprint256}`
  return {
    async put(server, { cert, key }) {
      const store = await sealedStore()
      const name = nameOf(server, cert)
      // What cannot be unsealed any more must not stand in the way of what replaces it.
      await store.delete(collection, name)
      await store.set(collection, name, { key })
    },
    async get(server, cert) {
      const stored = await (await sealedStore()).get(collection, nameOf(server, cert))
      return (stored as { key: string } | undefined)?.key
    },
    async remove(server, cert) {
      await (await sealedStore()).delete(collection, nameOf(server, cert))
    },
  }
}
