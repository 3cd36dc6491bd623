import { chmodSync, mkdirSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { messageOf, UserError } from '../errors.ts'
import { migrate } from './migrate.ts'
import type { Store } from './store.ts'
import { runTransaction, type StoredText } from './transaction.ts'

/**
 * Opens the store in one SQLite file, created with mode 0600.
 * @throws UserError STORE_UNUSABLE when the file cannot be opened or is newer than this program
 */
export function openSqliteStore(path: string, now: () => number = Date.now): Store {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(path)
    chmodSync(path, 0o600)
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL',
    )
    migrate(database, path)
    return storeOver(database, now)
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(
      'STORE_UNUSABLE',
      `Cannot use the state file ${path}: ${messageOf(error)}.`,
      {
        hint: 'Check the permissions of the folder, or move the file away to start with empty state.',
        cause: error,
      },
    )
  }
}

function storeOver(database: DatabaseSync, now: () => number): Store {
  const texts = textsOf(database, now)
  const live = '(expires_at IS NULL OR expires_at > ?)'
  const page = database.prepare(
    `SELECT key, value FROM documents WHERE collection = ? AND key > ? AND ${live}
     ORDER BY key LIMIT ?`,
  )
  // The index has all of it, so that no document is read.
  const removeFirst = database.prepare(
    `DELETE FROM documents WHERE collection = ?1 AND key IN (
       SELECT key FROM documents WHERE collection = ?1 AND expires_at IS NOT NULL
       ORDER BY expires_at DESC, key DESC LIMIT -1 OFFSET ?2)`,
  )

  return {
    async get(collection, key) {
      const text = texts.read(collection, key)
      return text === undefined ? undefined : JSON.parse(text)
    },
    async set(collection, key, value, { expiresAt } = {}) {
      texts.write({ collection, key, text: JSON.stringify(value), expiresAt })
    },
    async delete(collection, key) {
      texts.write({ collection, key, text: undefined })
    },
    async list(collection, { limit = -1, after = '' } = {}) {
      const rows = page.all(collection, after, now(), limit)
      return rows.map(({ key, value }) => ({
        key: String(key),
        // Read by whoever asks for it: one that was damaged keeps the others from nobody.
        get value() {
          return JSON.parse(String(value))
        },
      }))
    },
    async trim(collection, keep) {
      removeFirst.run(collection, keep)
    },
    transaction: (task) =>
      runTransaction(
        {
          read: async (collection, key) => texts.read(collection, key),
          commit: async (seen, written) => texts.commit(seen, written),
        },
        task,
      ),
    async close() {
      if (database.isOpen) database.close()
    },
  }
}

/** The rows of the file, read and written at once: nothing here waits, so nothing comes in between. */
function textsOf(database: DatabaseSync, now: () => number) {
  const select = database.prepare(
    `SELECT value FROM documents
     WHERE collection = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)`,
  )
  const upsert = database.prepare(
    `INSERT INTO documents (collection, key, value, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (collection, key) DO UPDATE
     SET value = excluded.value, expires_at = excluded.expires_at`,
  )
  const remove = database.prepare('DELETE FROM documents WHERE collection = ? AND key = ?')
  const removeOver = database.prepare('DELETE FROM documents WHERE expires_at <= ?')

  function read(collection: string, key: string): string | undefined {
    const row = select.get(collection, key, now())
    return row ? String(row.value) : undefined
  }

  function write({ collection, key, text, expiresAt }: StoredText): void {
    if (expiresAt !== undefined) removeOver.run(now())
    if (text === undefined) remove.run(collection, key)
    else upsert.run(collection, key, text, expiresAt ?? null)
  }

  function commit(seen: readonly StoredText[], written: readonly StoredText[]): boolean {
    // Takes the lock for writing first, so that no other process changes what is compared.
    database.exec('BEGIN IMMEDIATE')
    try {
      const isSame = seen.every(({ collection, key, text }) => read(collection, key) === text)
      if (isSame) for (const document of written) write(document)
      database.exec('COMMIT')
      return isSame
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }

  return { read, write, commit }
}

/**
 * Opens the store's file beside whoever uses it, without creating or changing any file; everything
 * but `get` rejects.
 * @throws UserError STORE_UNUSABLE when the file cannot be opened
 */
export async function openReadOnlyStore(path: string): Promise<Store> {
  try {
    const database = new DatabaseSync(await readOnlyLocation(path), { readOnly: true })
    // Its file may have the form of an earlier version, which has no end of documents.
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
      transaction: refuse,
      close: async () => database.close(),
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
async function readOnlyLocation(path: string): Promise<string | URL> {
  const hasLog = await access(`${path}-wal`).then(
    () => true,
    () => false,
  )
  if (hasLog) return path
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  return url
}
