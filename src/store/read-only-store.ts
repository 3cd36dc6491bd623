import { access } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { messageOf, UserError } from '../errors.ts'
import type { Store } from './store.ts'

/**
 * Opens the store's file beside whoever uses it, without creating or changing any file; everything
 * but `get` rejects.
 * @throws UserError STORE_UNUSABLE when the file cannot be opened
 */
export async function openReadOnlyStore(path: string): Promise<Store> {
  try {
    const database = new DatabaseSync(await locationOf(path), { readOnly: true })
    const select = database.prepare('SELECT value FROM documents WHERE collection = ? AND key = ?')
    return {
      async get(collection, key) {
        const row = select.get(collection, key)
        return row ? JSON.parse(String(row.value)) : undefined
      },
      list: refuse,
      set: refuse,
      delete: refuse,
      trim: refuse,
      close: () => database.close(),
    }
  } catch (error) {
    const message = `Cannot read the state file ${path}: ${messageOf(error)}.`
    throw new UserError('STORE_UNUSABLE', message, { cause: error })
  }
}

async function refuse(): Promise<never> {
  throw new Error('this store is open for reading single documents only')
}

/**
 * In WAL mode even a reader makes the index of a log that is not there yet. Nobody writes while
 * there is no log, so the file may be taken for one that never changes (sqlite.org/uri.html).
 */
async function locationOf(path: string): Promise<string | URL> {
  const hasLog = await access(`${path}-wal`).then(
    () => true,
    () => false,
  )
  if (hasLog) return path
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  return url
}
