import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, UserError } from '../errors.ts'
import { migrate } from './migrate.ts'
import type { Store } from './store.ts'

/**
 * Opens the store in one SQLite file, created with mode 0600.
 * @throws UserError STORE_UNUSABLE when the file cannot be opened or is newer than this program
 */
export function openSqliteStore(path: string, now: () => number = Date.now): Store {
  try {
    return openOrThrow(path, now)
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

function openOrThrow(path: string, now: () => number): Store {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(path)
  chmodSync(path, 0o600)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL',
  )
  migrate(database, path)

  const live = '(expires_at IS NULL OR expires_at > ?)'
  const select = database.prepare(
    `SELECT value FROM documents WHERE collection = ? AND key = ? AND ${live}`,
  )
  const selectAll = database.prepare(
    `SELECT key, value FROM documents WHERE collection = ? AND ${live} ORDER BY key`,
  )
  const upsert = database.prepare(
    `INSERT INTO documents (collection, key, value, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (collection, key) DO UPDATE
     SET value = excluded.value, expires_at = excluded.expires_at`,
  )
  const remove = database.prepare('DELETE FROM documents WHERE collection = ? AND key = ?')
  const removeOver = database.prepare('DELETE FROM documents WHERE expires_at <= ?')
  // The index has all of it, so that no document is read.
  const removeFirst = database.prepare(
    `DELETE FROM documents WHERE collection = ?1 AND key IN (
       SELECT key FROM documents WHERE collection = ?1 AND expires_at IS NOT NULL
       ORDER BY expires_at DESC, key DESC LIMIT -1 OFFSET ?2)`,
  )
  let open = true

  return {
    async get(collection, key) {
      const row = select.get(collection, key, now())
      return row ? JSON.parse(String(row.value)) : undefined
    },
    async set(collection, key, value, { expiresAt } = {}) {
      if (expiresAt !== undefined) removeOver.run(now())
      upsert.run(collection, key, JSON.stringify(value), expiresAt ?? null)
    },
    async delete(collection, key) {
      remove.run(collection, key)
    },
    async list(collection) {
      const rows = selectAll.all(collection, now())
      return rows.map(({ key, value }) => ({ key: String(key), value: JSON.parse(String(value)) }))
    },
    async trim(collection, keep) {
      removeFirst.run(collection, keep)
    },
    close() {
      if (!open) return
      open = false
      database.close()
    },
  }
}
