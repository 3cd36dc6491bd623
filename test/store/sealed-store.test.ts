import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSealedStore, createSealingKey, isSealedBox } from '../../src/store/sealed-store.ts'
import { loadSealingKey } from '../../src/store/sealing-key.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'

let home: string
let plain: Store
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sallyport-sealed-'))
  plain = openSqliteStore(join(home, 'state.db'))
})
afterEach(async () => {
  plain.close()
  await rm(home, { recursive: true })
})

const key = createSealingKey(Buffer.alloc(32, 1), 'key one')
const otherKey = createSealingKey(Buffer.alloc(32, 2), 'key two')
const secret = { token: 'very-secret' }

describe('a sealed store', () => {
  it('gives back what was put in, and writes nothing of it in the clear', async () => {
    const sealed = createSealedStore(plain, key)
    await sealed.set('tokens', 'a', secret)
    expect(await sealed.get('tokens', 'a')).toEqual(secret)
    expect(await sealed.get('tokens', 'b')).toBeUndefined()
    const file = await readFile(join(home, 'state.db'))
    const log = await readFile(join(home, 'state.db-wal'))
    expect(Buffer.concat([file, log]).includes('very-secret')).toBe(false)
  })

  it('seals the same document differently each time', async () => {
    const sealed = createSealedStore(plain, key)
    await sealed.set('tokens', 'a', secret)
    const first = await plain.get('tokens', 'a')
    await sealed.set('tokens', 'a', secret)
    expect(await plain.get('tokens', 'a')).not.toEqual(first)
  })

  it('loses nothing under a wrong key, and names the key', async () => {
    await createSealedStore(plain, key).set('tokens', 'a', secret)
    const wrong = createSealedStore(plain, otherKey)
    for (const attempt of [wrong.get('tokens', 'a'), wrong.set('tokens', 'a', {})]) {
      await expect(attempt).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        message: expect.stringContaining('another key than the one from key two'),
      })
    }
    expect(await createSealedStore(plain, key).get('tokens', 'a')).toEqual(secret)
  })

  it('forgets what is deleted, whatever key it was sealed with', async () => {
    await createSealedStore(plain, key).set('tokens', 'a', secret)
    await createSealedStore(plain, otherKey).delete('tokens', 'a')
    expect(await plain.get('tokens', 'a')).toBeUndefined()
  })

  it.each<[string, (box: Record<string, string>) => unknown]>([
    ['data', (box) => ({ ...box, data: `${box.data?.slice(0, -2)}AA` })],
    ['tag', (box) => ({ ...box, tag: 'AAAAAAAAAAAAAAAAAAAAAA' })],
    ['a short tag', (box) => ({ ...box, tag: box.tag?.slice(0, 6) })],
    ['iv', (box) => ({ ...box, iv: 'AAAAAAAAAAAAAAAA' })],
    ['no seal at all', () => secret],
  ])('refuses a document with a changed %s', async (_, change) => {
    const sealed = createSealedStore(plain, key)
    await sealed.set('tokens', 'a', secret)
    const box = await plain.get('tokens', 'a')
    expect(isSealedBox(box)).toBe(true)
    await plain.set('tokens', 'a', change(box as Record<string, string>))
    await expect(sealed.get('tokens', 'a')).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
  })

  it.each([
    ['tokens', 'b'],
    ['clients', 'a'],
  ])('refuses a document moved to %s/%s', async (collection, name) => {
    const sealed = createSealedStore(plain, key)
    await sealed.set('tokens', 'a', secret)
    await plain.set(collection, name, await plain.get('tokens', 'a'))
    await expect(sealed.get(collection, name)).rejects.toThrow(/changed or damaged/)
  })
})

describe('the sealing key', () => {
  it('is made once, for this user only, even when many ask', async () => {
    const options = { home: join(home, 'new'), secret: undefined }
    const keys = await Promise.all(Array.from({ length: 5 }, () => loadSealingKey(options)))
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
    const mode = (await stat(join(home, 'new', 'sealing.key'))).mode & 0o777
    expect(mode).toBe(process.platform === 'win32' ? mode : 0o600)
  })

  it('comes from SALLYPORT_SECRET when there is one, and leaves no file', async () => {
    const one = await loadSealingKey({ home, secret: 'a long enough secret' })
    const two = await loadSealingKey({ home, secret: 'a long enough secret' })
    const three = await loadSealingKey({ home, secret: 'another long secret' })
    expect(two.bytes).toEqual(one.bytes)
    expect(three.id).not.toBe(one.id)
    await expect(stat(join(home, 'sealing.key'))).rejects.toThrow()
  })

  it.each([
    ['a short secret', 'too short', undefined, /shorter than 16/],
    ['a damaged file', undefined, 'x', /does not hold 32 bytes/],
  ])('is refused from %s, and nothing is replaced', async (_, secretText, file, message) => {
    if (file !== undefined) await writeFile(join(home, 'sealing.key'), file, { mode: 0o600 })
    await expect(loadSealingKey({ home, secret: secretText })).rejects.toThrow(message)
    if (file !== undefined) expect(await readFile(join(home, 'sealing.key'), 'utf8')).toBe(file)
  })

  it.skipIf(process.platform === 'win32')('is refused when others can read it', async () => {
    await loadSealingKey({ home, secret: undefined })
    await chmod(join(home, 'sealing.key'), 0o640)
    await expect(loadSealingKey({ home, secret: undefined })).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      hint: expect.stringContaining('chmod 600'),
    })
  })
})
