import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { UserError } from '../errors.ts'

/** What takes a file from each version to the next, the first from an empty one. */
const steps: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS documents (
     collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
     PRIMARY KEY (collection, key)
   ) STRICT, WITHOUT ROWID;`,
  // Documents that end stood wrapped under "=key", beside an index that is not needed any more.
  `ALTER TABLE documents ADD COLUMN expires_at INTEGER;
   CREATE INDEX documents_by_end ON documents (collection, expires_at) WHERE expires_at IS NOT NULL;
   CREATE INDEX documents_over ON documents (expires_at) WHERE expires_at IS NOT NULL;
   CREATE TEMP TABLE listed AS SELECT DISTINCT collection FROM documents WHERE key LIKE '=%';
   DELETE FROM documents WHERE key = 'index' AND collection IN (SELECT collection FROM listed);
   UPDATE documents SET key = substr(key, 2), value = value -> '$.value',
     expires_at = value ->> '$.expiresAt' WHERE key LIKE '=%';
   DROP TABLE listed;
   DELETE FROM documents
     WHERE collection LIKE 'oauth:%:Session' OR collection LIKE 'oauth:%:Interaction';
   UPDATE documents
     SET value = json_set(value, '$.client_secret', sha256(value ->> '$.client_secret'))
     WHERE collection LIKE 'oauth:%:Client' AND value ->> '$.client_secret' IS NOT NULL;`,
  // Our own grants stood beside those that servers gave us, which are sealed and bound to their
  // place; and the last use of a grant or a key stood apart from it.
  `UPDATE documents SET collection = 'grants'
     WHERE collection = 'oauth-grants' AND value ->> '$.sealed' IS NULL;
   UPDATE documents SET value = json_set(value, '$.expiresAt', expires_at)
     WHERE collection = 'grants' AND expires_at IS NOT NULL;
   UPDATE documents AS used SET value = json_set(used.value, '$.lastUsedAt', json(use.value))
     FROM documents AS use
     WHERE used.key = use.key AND (used.collection, use.collection)
       IN (VALUES ('grants', 'oauth-grant-uses'), ('api-keys', 'api-key-uses'));
   DELETE FROM documents WHERE collection IN ('api-key-uses', 'oauth-grant-uses');`,
]

/**
 * Brings a file to the form of this program.
 * @throws UserError STORE_UNUSABLE when it was written by a newer one
 */
export function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) === steps.length) return
  database.function('sha256', { deterministic: true }, (text) =>
    createHash('sha256').update(String(text)).digest('base64url'),
  )
  // One process at a time; the next one finds it done.
  database.exec('BEGIN IMMEDIATE')
  const version = versionOf(database)
  if (version > steps.length) {
    throw new UserError(
      'STORE_UNUSABLE',
      `The state file ${path} was written by a newer version of Sallyport.`,
      { hint: 'Update Sallyport, or set SALLYPORT_HOME to another folder.' },
    )
  }
  database.exec(`${steps.slice(version).join('\n')} PRAGMA user_version = ${steps.length}; COMMIT;`)
  // What was a secret in the clear is not left behind in pages that nobody uses.
  if (version === 1) database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
}
