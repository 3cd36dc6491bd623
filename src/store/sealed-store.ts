import { UserError } from '../errors.ts'
import { isSealedBox, type SealingKey, seal, unseal } from './sealed-box.ts'
import type { Store } from './store.ts'

/**
 * A store whose documents are sealed at rest, each bound to its collection and key. A document that
 * does not open is left as it is, and neither read as absent nor overwritten. `get` and `set` throw
 * UserError STORE_UNUSABLE for it; `delete` removes it.
 */
export function createSealedStore(store: Store, key: SealingKey): Store {
  async function read(collection: string, name: string): Promise<unknown> {
    const stored = await store.get(collection, name)
    return stored === undefined ? undefined : open(collection, name, stored)
  }

  function open(collection: string, name: string, stored: unknown): unknown {
    const place = [collection, name]
    const opened = isSealedBox(stored)
      ? unseal(key, place, stored)
      : { ok: false as const, reason: 'broken' as const }
    if (opened.ok) return opened.value
    throw opened.reason === 'wrong-key' ? wrongKey(key, collection) : brokenSeal(collection, name)
  }

  return {
    get: read,
    async set(collection, name, value, options) {
      // Opening it first keeps a secret of another key from being lost.
      await read(collection, name)
      await store.set(collection, name, seal(key, [collection, name], value), options)
    },
    delete: (collection, name) => store.delete(collection, name),
    async list(collection) {
      const sealed = await store.list(collection)
      return sealed.map(({ key: name, value }) => ({
        key: name,
        value: open(collection, name, value),
      }))
    },
    trim: (collection, keep) => store.trim(collection, keep),
    close: () => store.close(),
  }
}

function wrongKey(key: SealingKey, collection: string): UserError {
  return new UserError(
    'STORE_UNUSABLE',
    `The secrets in the state file (${collection}) were sealed with another key than the one from ${key.source}.`,
    {
      hint: 'Put the earlier key file or SALLYPORT_SECRET back; nothing was changed. To start without these secrets, move the state file away.',
    },
  )
}

function brokenSeal(collection: string, name: string): UserError {
  return new UserError(
    'STORE_UNUSABLE',
    `The secret ${JSON.stringify(name)} in the state file (${collection}) was changed or damaged since it was sealed.`,
    { hint: 'Restore the state file from a backup, or move it away; nothing was changed.' },
  )
}
