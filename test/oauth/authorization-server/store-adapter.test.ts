import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createGrants } from '../../../src/oauth/authorization-server/grants.ts'
import { createIssuerStorage } from '../../../src/oauth/authorization-server/issuer-storage.ts'
import { createMemoryStore } from '../memory-store.ts'

const now = () => Date.UTC(2026, 10, 21)
const code = { grantId: 'grant', exp: now() / 1000 + 60 }

/** Every read and write takes a moment, so that requests overlap. */
function setup() {
  const inner = createMemoryStore(now)
  const written: string[] = []
  const store: typeof inner = {
    ...inner,
    async get(collection, key) {
      await sleep(1)
      return inner.get(collection, key)
    },
    async set(collection, key, value, options) {
      await sleep(1)
      written.push(JSON.stringify([collection, key, value]))
      await inner.set(collection, key, value, options)
    },
  }
  const grants = createGrants({ store, now })
  const open = (issuer: string) => createIssuerStorage({ store, issuer, grants, now })
  return { open, storage: open('https://a.example'), written }
}

describe('what the authorization server stores', () => {
  it('lets a code be used by one of many that ask at the same moment', async () => {
    const adapter = setup().storage.adapter('AuthorizationCode')
    await adapter.upsert('the-code', code, 60)
    const uses = Array.from({ length: 5 }, () => adapter.consume('the-code'))
    const outcomes = await Promise.allSettled(uses)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('lets a code be used by one of two gateways on one store', async () => {
    const { open } = setup()
    const adapters = [1, 2].map(() => open('https://a.example').adapter('AuthorizationCode'))
    await adapters[0]?.upsert('the-code', code, 60)
    const outcomes = await Promise.allSettled(adapters.map((one) => one.consume('the-code')))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  it('lets a code be used by one of those that ask one after another', async () => {
    const adapter = setup().storage.adapter('AuthorizationCode')
    await adapter.upsert('the-code', { ...code, grantId: undefined }, 60)
    await adapter.consume('the-code')
    await expect(adapter.consume('the-code')).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  it('holds no code, token or session id that could be used', async () => {
    const { storage, written } = setup()
    for (const model of ['AuthorizationCode', 'RefreshToken', 'Interaction']) {
      await storage.adapter(model).upsert('the-secret-id', { ...code, jti: 'the-secret-id' }, 60)
      expect(await storage.adapter(model).find('the-secret-id')).toMatchObject({
        jti: 'the-secret-id',
      })
    }
    expect(written.join()).not.toContain('the-secret-id')
  })

  it('belongs to one issuer', async () => {
    const { open, storage } = setup()
    await storage.adapter('AuthorizationCode').upsert('the-code', code, 60)
    const elsewhere = open('https://b.example').adapter('AuthorizationCode')
    expect(await elsewhere.find('the-code')).toBeUndefined()
  })
})
