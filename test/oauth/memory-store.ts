import type { Store } from '../../src/store/store.ts'

/** The store port in memory; values are copied, as a file would. */
export function memoryStore(): Store {
  const documents = new Map<string, string>()
  const at = (collection: string, key: string) => JSON.stringify([collection, key])
  return {
    async get(collection, key) {
      const text = documents.get(at(collection, key))
      return text === undefined ? undefined : JSON.parse(text)
    },
    async set(collection, key, value) {
      documents.set(at(collection, key), JSON.stringify(value))
    },
    async delete(collection, key) {
      documents.delete(at(collection, key))
    },
    close() {},
  }
}
