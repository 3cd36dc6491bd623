import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { createMemoryStore } from '../oauth/memory-store.ts'
import { openStoreAt } from './shared-store.ts'
import { type StoreHarness, testStore } from './store.contract.ts'

async function inFile(kind = ''): Promise<StoreHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-store-'))
  const place = `${kind}${join(folder, 'state.sqlite')}`
  return {
    place,
    open: async (now) => openStoreAt(place, now),
    close: () => rm(folder, { recursive: true }),
  }
}

testStore('in SQLite', () => inFile())
testStore('in SQLite, sealed', () => inFile('sealed '))
testStore('in memory', async () => {
  const stores = new Map<() => number, ReturnType<typeof createMemoryStore>>()
  return {
    place: undefined,
    async open(now) {
      const store = stores.get(now) ?? createMemoryStore(now)
      stores.set(now, store)
      return store
    },
    close: async () => {},
  }
})

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sallyport-store-'))
})
afterEach(() => rm(home, { recursive: true }))

const clock = { ms: 0 }
const now = () => clock.ms

describe('a state file of an earlier version', () => {
  const wrapped = (value: unknown, expiresAt?: number) => JSON.stringify({ value, expiresAt })

  function writeFirstVersion(path: string): void {
    const database = new DatabaseSync(path)
    database.exec(`CREATE TABLE documents (collection TEXT NOT NULL, key TEXT NOT NULL,
      value TEXT NOT NULL, PRIMARY KEY (collection, key)) STRICT, WITHOUT ROWID;
      PRAGMA user_version = 1`)
    const insert = database.prepare('INSERT INTO documents VALUES (?, ?, ?)')
    const client = { client_id: 'c', client_secret: 'the-secret-in-the-clear' }
    const rows: [string, string, string][] = [
      ['api-keys', 'index', '[["k",5000]]'],
      ['api-keys', '=k', wrapped({ id: 'k' }, 5_000)],
      ['oauth-grants', '=g', wrapped({ id: 'g' })],
      ['oauth:https://a.example:Client', '=c', wrapped(client, 9_000)],
      ['oauth:https://a.example:Session', '=uid u', wrapped({ jti: 'the-session-in-the-clear' })],
      ['catalog', 'index', '"stays"'],
    ]
    for (const row of rows) insert.run(...row)
    database.close()
  }

  it('keeps keys, grants and clients, and no secret in the clear', async () => {
    const path = join(home, 'state.sqlite')
    writeFirstVersion(path)
    clock.ms = 1_000
    const store = openSqliteStore(path, now)
    const second = openSqliteStore(path, now)
    expect(await second.list('api-keys')).toEqual([{ key: 'k', value: { id: 'k' } }])
    expect(await store.list('grants')).toEqual([{ key: 'g', value: { id: 'g' } }])
    expect(await store.get('catalog', 'index')).toBe('stays')
    expect(await store.get('oauth:https://a.example:Client', 'c')).toMatchObject({ client_id: 'c' })
    expect(await store.list('oauth:https://a.example:Session')).toEqual([])
    clock.ms = 5_000
    expect(await store.list('api-keys')).toEqual([])
    await second.close()
    await store.close()
    expect((await readFile(path)).includes('in-the-clear')).toBe(false)
  })

  it('keeps what a second version has, with the last use in its place', async () => {
    const path = join(home, 'state.sqlite')
    writeFirstVersion(path)
    const database = new DatabaseSync(path)
    database.exec(`DELETE FROM documents; PRAGMA user_version = 2;
      ALTER TABLE documents ADD COLUMN expires_at INTEGER`)
    const insert = database.prepare('INSERT INTO documents VALUES (?, ?, ?, ?)')
    const box = { sealed: 1, keyId: 'k', iv: 'i', tag: 't', data: 'd' }
    const rows: [string, string, unknown, number | null][] = [
      ['oauth-grants', 'g', { id: 'g' }, 9_000],
      ['oauth-grants', 'unused', { id: 'unused' }, 9_000],
      ['oauth-grants', '["notes","https://notes.example"]', box, null],
      ['oauth-grant-uses', 'g', 4_000, null],
      ['api-keys', 'g', { id: 'g' }, null],
      ['api-keys', 'k', { id: 'k' }, null],
      ['api-key-uses', 'k', 4_001, null],
      ['api-key-uses', 'revoked', 4_002, null],
    ]
    for (const [collection, name, value, end] of rows) {
      insert.run(collection, name, JSON.stringify(value), end)
    }
    database.close()
    clock.ms = 1_000
    const store = openSqliteStore(path, now)
    expect(await store.list('grants')).toEqual([
      { key: 'g', value: { id: 'g', expiresAt: 9_000, lastUsedAt: 4_000 } },
      { key: 'unused', value: { id: 'unused', expiresAt: 9_000 } },
    ])
    expect((await store.list('oauth-grants')).map(({ value }) => value)).toEqual([box])
    expect((await store.list('api-keys')).map(({ value }) => value)).toEqual([
      { id: 'g' },
      { id: 'k', lastUsedAt: 4_001 },
    ])
    expect(await store.list('api-key-uses')).toEqual([])
    clock.ms = 9_000
    expect(await store.list('grants')).toEqual([])
    await store.close()
  })

  it('is not touched when it is newer than this program', () => {
    const path = join(home, 'state.sqlite')
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(() => openSqliteStore(path)).toThrow(expect.objectContaining({ code: 'STORE_UNUSABLE' }))
  })
})
