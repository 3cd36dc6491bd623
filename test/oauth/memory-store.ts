import type { Store } from '../../src/store/store.ts'

/** A store that lives as long as the test, with its documents in reach. */
export interface MemoryStore extends Store {
  readonly documents: Map<string, unknown>
}

export function createMemoryStore(): MemoryStore {
  const documents = new Map<string, unknown>()
  const keyOf = (collection: string, key: string) => `${collection} ${key}`
  return {
    documents,
    get: async (collection, key) => structuredClone(documents.get(keyOf(collection, key))),
    async set(collection, key, value) {
      // As JSON, so that what does not survive a database does not survive here either.
      documents.set(keyOf(collection, key), JSON.parse(JSON.stringify(value)))
    },
    async delete(collection, key) {
      documents.delete(keyOf(collection, key))
    },
    close: () => {},
  }
}
