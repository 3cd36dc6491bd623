import { X509Certificate } from 'node:crypto'
import type { Store } from '../../store/store.ts'

const collection = 'upstream-client-keys'

/** The private keys of client certificates, sealed at rest. `cert` is PEM, leaf first. */
export interface ClientKeyStore {
  /** Keeps a key beside the one that is in use, until `keepOnly`. */
  put(server: string, pair: { readonly cert: string; readonly key: string }): Promise<void>
  /** PEM; undefined when it is gone. Throws UserError STORE_UNUSABLE when it cannot be unsealed. */
  get(server: string, cert: string): Promise<string | undefined>
  /** Forgets every key of the server but that of `cert`. */
  keepOnly(server: string, cert: string | undefined): Promise<void>
}

/** Fingerprints of certificates, and their keys as PEM. */
type Keys = readonly (readonly [string, string])[]

export function createClientKeyStore(options: {
  store: Store
  sealedStore: () => Promise<Store>
}): ClientKeyStore {
  const { store, sealedStore } = options

  async function readKeys(server: string): Promise<Keys> {
    return ((await (await sealedStore()).get(collection, server)) ?? []) as Keys
  }

  return {
    async put(server, { cert, key }) {
      const others = (await readKeys(server)).filter(([name]) => name !== nameOf(cert))
      await (await sealedStore()).set(collection, server, [...others, [nameOf(cert), key]])
    },
    async get(server, cert) {
      return (await readKeys(server)).find(([name]) => name === nameOf(cert))?.[1]
    },
    async keepOnly(server, cert) {
      // Without the sealing key, which need not exist, and may be another one.
      if (cert === undefined) return store.delete(collection, server)
      const kept = (await readKeys(server)).filter(([name]) => name === nameOf(cert))
      await (await sealedStore()).set(collection, server, kept)
    },
  }
}

function nameOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256
}
