import type { Store } from '../../src/store/store.ts'
import { runTransaction, type StoredText } from '../../src/store/transaction.ts'

/** A store that lives as long as the test, with its documents in reach. */
export interface MemoryStore extends Store {
  readonly documents: Map<string, unknown>
}

export function createMemoryStore(now: () => number = Date.now): MemoryStore {
  const documents = new Map<string, unknown>()
  const ends = new Map<string, number>()
  const keyOf = (collection: string, key: string) => `${collection}\n${key}`
  const isLive = (place: string) => (ends.get(place) ?? Number.POSITIVE_INFINITY) > now()
  // As JSON, so that what does not survive a database does not survive here either.
  const read = (collection: string, key: string) => {
    const place = keyOf(collection, key)
    return isLive(place) ? JSON.stringify(documents.get(place)) : undefined
  }
  const remove = (place: string) => {
    documents.delete(place)
    ends.delete(place)
  }
  const write = ({ collection, key, text, expiresAt }: StoredText) => {
    const place = keyOf(collection, key)
    if (text === undefined) return remove(place)
    documents.set(place, JSON.parse(text))
    ends.delete(place)
    if (expiresAt !== undefined) ends.set(place, expiresAt)
  }
  const placesOf = (collection: string) =>
    [...documents.keys()].filter((place) => place.startsWith(`${collection}\n`)).sort()
  const get = async (collection: string, key: string) => {
    const text = read(collection, key)
    return text === undefined ? undefined : JSON.parse(text)
  }
  return {
    documents,
    get,
    set: async (collection, key, value, { expiresAt } = {}) =>
      write({ collection, key, text: JSON.stringify(value), expiresAt }),
    delete: async (collection, key) => remove(keyOf(collection, key)),
    async list(collection, { limit, after = '' } = {}) {
      const keys = placesOf(collection)
        .filter(isLive)
        .map((place) => place.slice(collection.length + 1))
        .filter((key) => key > after)
        .slice(0, limit)
      return Promise.all(keys.map(async (key) => ({ key, value: await get(collection, key) })))
    },
    async trim(collection, keep) {
      const ending = placesOf(collection).filter((place) => ends.has(place))
      ending.sort((a, b) => Number(ends.get(b)) - Number(ends.get(a)))
      ending.slice(keep).forEach(remove)
    },
    transaction: (task) =>
      runTransaction(
        {
          read: async (collection, key) => read(collection, key),
          async commit(seen, written) {
            if (seen.some(({ collection, key, text }) => read(collection, key) !== text))
              return false
            written.forEach(write)
            return true
          },
        },
        task,
      ),
    close: async () => {},
  }
}
