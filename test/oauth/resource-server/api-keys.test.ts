import { describe, expect, it } from 'vitest'
import { createApiKeys } from '../../../src/oauth/resource-server/api-keys.ts'
import type { Store } from '../../../src/store/store.ts'
import { createMemoryStore } from '../memory-store.ts'

const hour = 3_600_000

function setup() {
  const clock = { time: Date.UTC(2026, 10, 21) }
  const written: string[] = []
  const inner = createMemoryStore(() => clock.time)
  const store: Store = {
    ...inner,
    async set(collection, key, value, options) {
      written.push(JSON.stringify(value))
      await inner.set(collection, key, value, options)
    },
  }
  return { clock, written, keys: createApiKeys({ store, now: () => clock.time }) }
}

describe('API keys', () => {
  it('shows the key once and stores only its hash', async () => {
    const { keys, written } = setup()
    const { key, record } = await keys.create({ profile: 'work', name: 'ci' })
    expect(key).toMatch(/^sallyport_[0-9a-f]{12}_[\w-]{43}$/)
    expect(record).toMatchObject({ profile: 'work', name: 'ci' })
    expect(record.lastUsedAt).toBeUndefined()
    expect(JSON.stringify(await keys.list())).not.toContain('hash')
    expect(written.join()).not.toContain(key.slice(-43))
  })

  it('lists keys with their last use', async () => {
    const { keys, clock } = setup()
    const { key } = await keys.create({ profile: 'work' })
    clock.time += hour
    await keys.verify(key, 'work')
    expect(await keys.list()).toMatchObject([{ profile: 'work', lastUsedAt: clock.time }])
  })

  it('accepts a key until the moment it expires', async () => {
    const { keys, clock } = setup()
    const { key } = await keys.create({ profile: 'work', expiresInMs: hour })
    clock.time += hour - 1
    expect(await keys.verify(key, 'work')).toBeDefined()
    clock.time += 1
    expect(await keys.verify(key, 'work')).toBeUndefined()
    expect(await keys.list()).toEqual([])
  })

  it('refuses a revoked key, and says so of a second revocation', async () => {
    const { keys } = setup()
    const { key, record } = await keys.create({ profile: 'work' })
    expect(await keys.revoke(record.id)).toBe(true)
    expect(await keys.verify(key, 'work')).toBeUndefined()
    expect(await keys.revoke(record.id)).toBe(false)
  })

  it('keeps every one of many keys that are made at once', async () => {
    const { keys } = setup()
    await Promise.all(Array.from({ length: 20 }, () => keys.create({ profile: 'work' })))
    expect(await keys.list()).toHaveLength(20)
  })

  const changes: [string, (key: string) => [string, string]][] = [
    ['another profile', (key) => [key, 'home']],
    ['another secret', (key) => [`${key.slice(0, -2)}AA`, 'work']],
    ['a shorter secret', (key) => [key.slice(0, -1), 'work']],
    ['no secret', (key) => [key.slice(0, 23), 'work']],
    ['an id of the store', () => [`sallyport_index_${'A'.repeat(43)}`, 'work']],
    ['an unknown id', (key) => [key.replace(/_[0-9a-f]{12}_/, '_000000000000_'), 'work']],
  ]
  it.each(changes)('refuses %s', async (_, change) => {
    const { keys } = setup()
    const { key } = await keys.create({ profile: 'work' })
    const [changed, profile] = change(key)
    expect(await keys.verify(changed, profile)).toBeUndefined()
    expect(await keys.verify(key, 'work')).toBeDefined()
  })
})
