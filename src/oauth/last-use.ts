import type { Store } from '../store/store.ts'

/** Uses are written down at most this often, ms. */
const usePrecisionMs = 60_000

/** Notes in the documents of a collection when they were last used. */
export function createUseNotes(options: { store: Store; collection: string; now: () => number }) {
  const { store, collection, now } = options
  /** When a use was last written down by us. */
  const noted = new Map<string, number>()
  return async (id: string): Promise<void> => {
    if (now() - (noted.get(id) ?? Number.NEGATIVE_INFINITY) < usePrecisionMs) return
    noted.set(id, now())
    await store.transaction(async (documents) => {
      // What was revoked meanwhile does not come back.
      const record = (await documents.get(collection, id)) as { expiresAt?: number } | undefined
      if (!record) noted.delete(id)
      else await documents.set(collection, id, { ...record, lastUsedAt: now() }, record)
    })
  }
}
