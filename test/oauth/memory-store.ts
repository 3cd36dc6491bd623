import type { Store } from '../../src/store/store.ts'

/** A store that lives as long as the test, with its documents in reach. */
export interface MemoryStore extends Store {
  readonly documents: Map<string, unknown>
}

export function createMemoryStore(now: () => number = Date.now): MemoryStore {
  const documents = new Map<string, unknown>()
  const ends = new Map<string, number>()
  const keyOf = (collection: string, key: string) => `${collection}\n${key}`
  const isLive = (place: string) => (ends.get(place) ?? Number.POSITIVE_INFINITY) > now()
  const read = (place: string) =>
    isLive(place) ? structuredClone(documents.get(place)) : undefined
  const remove = (place: string) => {
    documents.delete(place)
    ends.delete(place)
  }
  const placesOf = (collection: string) =>
    [...documents.keys()].filter((place) => place.startsWith(`${collection}\n`)).sort()
  return {
    documents,
    get: async (collection, key) => read(keyOf(collection, key)),
    async set(collection, key, value, { expiresAt } = {}) {
      const place = keyOf(collection, key)
      ends.delete(place)
      // As JSON, so that what does not survive a database does not survive here either.
      documents.set(place, JSON.parse(JSON.stringify(value)))
      if (expiresAt !== undefined) ends.set(place, expiresAt)
    },
    delete: async (collection, key) => remove(keyOf(collection, key)),
    list: async (collection) =>
      placesOf(collection)
        .filter(isLive)
        .map((place) => ({ key: place.slice(collection.length + 1), value: read(place) })),
    async trim(collection, keep) {
      const ending = placesOf(collection).filter((place) => ends.has(place))
      ending.sort((a, b) => Number(ends.get(b)) - Number(ends.get(a)))
      ending.slice(keep).forEach(remove)
    },
    close: () => {},
  }
}
