import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, UserError } from '../errors.ts'
import type { Store } from './store.ts'

const schemaVersion = 1

/**
 * Opens the store in one SQLite file, created with mode 0600.
 * @throws UserError STORE_UNUSABLE when the file cannot be opened or is newer than this program
 */
export function openSqliteStore(path: string): Store {
  try {
    return openOrThrow(path)
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

function openOrThrow(path: string): Store {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(path)
  chmodSync(path, 0o600)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL',
  )
  migrate(database, path)

  const select = database.prepare('SELECT value FROM documents WHERE collection = ? AND key = ?')
  const upsert = database.prepare(
    `INSERT INTO documents (collection, key, value) VALUES (?, ?, ?)
     ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value`,
  )
  const remove = database.prepare('DELETE FROM documents WHERE collection = ? AND key = ?')
  let open = true

  return {
    async get(collection, key) {
      const row = select.get(collection, key)
      return row ? JSON.parse(String(row.value)) : undefined
    },
    async set(collection, key, value) {
      upsert.run(collection, key, JSON.stringify(value))
    },
    async delete(collection, key) {
      remove.run(collection, key)
    },
    close() {
      if (!open) return
      open = false
      database.close()
    },
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
  if (version > schemaVersion) {
    throw new UserError(
      'STORE_UNUSABLE',
      `The state file ${path} was written by a newer version of Sallyport.`,
      { hint: 'Update Sallyport, or set SALLYPORT_HOME to another folder.' },
    )
  }
  if (version === schemaVersion) return
  database.exec(`
    BEGIN;
    CREATE TABLE IF NOT EXISTS documents (
      collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
      PRIMARY KEY (collection, key)
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = ${schemaVersion};
    COMMIT;`)
}
