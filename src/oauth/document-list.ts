import type { Store } from '../store/store.ts'

/** Documents of one collection that can be listed, and that vanish when their time is over. */
export interface DocumentList<T> {
  get(key: string): Promise<T | undefined>
  /** @param expiresAt milliseconds since the epoch; left out, it stays */
  put(key: string, value: T, expiresAt?: number): Promise<void>
  remove(key: string): Promise<void>
  entries(): Promise<{ key: string; value: T }[]>
}

interface Kept<T> {
  value: T
  expiresAt: number | undefined
}

const indexKey = 'index'

/**
 * The `Store` port cannot enumerate, so the keys stand in a document of their own, written one
 * change at a time. An entry without a document was removed by another process, and is skipped.
 */
export function createDocumentList<T>(options: {
  store: Store
  collection: string
  now: () => number
}): DocumentList<T> {
  const { store, collection, now } = options
  let changes: Promise<unknown> = Promise.resolve()

  async function read(key: string): Promise<Kept<T> | undefined> {
    const kept = (await store.get(collection, documentKey(key))) as Kept<T> | undefined
    return kept && isLive(kept.expiresAt) ? kept : undefined
  }

  function isLive(expiresAt: number | null | undefined): boolean {
    return expiresAt === undefined || expiresAt === null || expiresAt > now()
  }

  async function readIndex(): Promise<Map<string, number | null>> {
    return new Map((await store.get(collection, indexKey)) as [string, number | null][] | undefined)
  }

  /** One at a time, as each reads what the one before has written. */
  function changeIndex(change: (index: Map<string, number | null>) => void): Promise<void> {
    const done = changes.then(async () => {
      const index = await readIndex()
      const before = JSON.stringify([...index])
      change(index)
      for (const [key] of [...index].filter(([, expiresAt]) => !isLive(expiresAt))) {
        index.delete(key)
        await store.delete(collection, documentKey(key))
      }
      const after = [...index]
      if (JSON.stringify(after) !== before) await store.set(collection, indexKey, after)
    })
    // The caller hears of a failure; the next change starts afresh.
    changes = done.catch(() => {})
    return done
  }

  return {
    get: async (key) => (await read(key))?.value,
    async put(key, value, expiresAt) {
      await store.set(collection, documentKey(key), { value, expiresAt })
      await changeIndex((index) => index.set(key, expiresAt ?? null))
    },
    async remove(key) {
      await store.delete(collection, documentKey(key))
      await changeIndex((index) => index.delete(key))
    },
    async entries() {
      const keys = [...(await readIndex()).keys()]
      const found = await Promise.all(keys.map(async (key) => ({ key, kept: await read(key) })))
      return found.flatMap(({ key, kept }) => (kept ? [{ key, value: kept.value }] : []))
    },
  }
}

/** Keeps documents apart from the index, whatever a key is called. */
function documentKey(key: string): string {
  return `=${key}`
}
