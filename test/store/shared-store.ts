import { createSealedStore, createSealingKey } from '../../src/store/sealed-store.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'

/** Opens what `place` names, in whichever process: a file, or `sealed` and a file. */
export function openStoreAt(place: string, now?: () => number): Store {
  const [, sealed, path = ''] = /^(sealed )?(.*)$/.exec(place) ?? []
  const store = openSqliteStore(path, now)
  const key = createSealingKey(Buffer.alloc(32, 1), 'a key')
  return sealed ? createSealedStore(store, key) : store
}

/** Notes one more entry, and how many there are: both, or neither. */
export async function countUp(store: Store, entry: string): Promise<void> {
  await store.transaction(async (documents) => {
    const count = Number((await documents.get('counts', 'all')) ?? 0)
    await documents.set('entries', entry, entry)
    await documents.set('counts', 'all', count + 1)
  })
}
