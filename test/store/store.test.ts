import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSealingKey } from '../../src/store/sealed-box.ts'
import { createSealedStore } from '../../src/store/sealed-store.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { createMemoryStore } from '../oauth/memory-store.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sallyport-store-'))
})
afterEach(() => rm(home, { recursive: true }))

const clock = { ms: 0 }
const now = () => clock.ms
const key = createSealingKey(Buffer.alloc(32, 1), 'a key')
const kinds: [string, () => Store][] = [
  ['in SQLite', () => openSqliteStore(join(home, 'state.sqlite'), now)],
  ['sealed', () => createSealedStore(openSqliteStore(join(home, 'state.sqlite'), now), key)],
  ['in memory', () => createMemoryStore(now)],
]

describe.each(kinds)('a store %s', (_, open) => {
  let store: Store
  beforeEach(() => {
    clock.ms = 1_000
    store = open()
  })
  afterEach(() => store.close())

  it('gives back what was set last, by collection and key', async () => {
    await store.set('a', 'x', { n: 1 })
    await store.set('a', 'x', { n: 2 })
    await store.set('b', 'x', 'other')
    expect(await store.get('a', 'x')).toEqual({ n: 2 })
    expect(await store.get('a', 'y')).toBeUndefined()
    await store.delete('a', 'x')
    expect(await store.get('a', 'x')).toBeUndefined()
    expect(await store.get('b', 'x')).toBe('other')
  })

  it('lists a collection in the order of its keys', async () => {
    for (const name of ['c', 'a', 'b']) await store.set('list', name, { name })
    await store.set('list too', 'd', {})
    expect(await store.list('list')).toEqual(
      ['a', 'b', 'c'].map((name) => ({ key: name, value: { name } })),
    )
    expect(await store.list('nothing')).toEqual([])
  })

  it('forgets a document at the moment it ends, unless it is set anew', async () => {
    await store.set('a', 'short', 1, { expiresAt: 2_000 })
    await store.set('a', 'renewed', 1, { expiresAt: 2_000 })
    await store.set('a', 'renewed', 2)
    clock.ms = 1_999
    expect(await store.get('a', 'short')).toBe(1)
    clock.ms = 2_000
    expect(await store.get('a', 'short')).toBeUndefined()
    expect(await store.list('a')).toEqual([{ key: 'renewed', value: 2 }])
  })

  it('trims what ends first, and nothing that stays or stands elsewhere', async () => {
    for (const [name, expiresAt] of [
      ['late', 9_000],
      ['first', 5_000],
      ['next', 6_000],
    ] as const) {
      await store.set('a', name, name, { expiresAt })
    }
    await store.set('a', 'stays', 'stays')
    await store.set('b', 'other', 'other', { expiresAt: 5_000 })
    await store.trim('a', 2)
    expect((await store.list('a')).map((one) => one.key)).toEqual(['late', 'next', 'stays'])
    await store.trim('a', 5)
    expect(await store.list('a')).toHaveLength(3)
    expect(await store.list('b')).toHaveLength(1)
  })
})

describe('a state file of the first version', () => {
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
    expect(await store.list('oauth-grants')).toEqual([{ key: 'g', value: { id: 'g' } }])
    expect(await store.get('catalog', 'index')).toBe('stays')
    expect(await store.get('oauth:https://a.example:Client', 'c')).toMatchObject({ client_id: 'c' })
    expect(await store.list('oauth:https://a.example:Session')).toEqual([])
    clock.ms = 5_000
    expect(await store.list('api-keys')).toEqual([])
    second.close()
    store.close()
    expect((await readFile(path)).includes('in-the-clear')).toBe(false)
  })

  it('is not touched when it is newer than this program', () => {
    const path = join(home, 'state.sqlite')
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(() => openSqliteStore(path)).toThrow(expect.objectContaining({ code: 'STORE_UNUSABLE' }))
  })
})
