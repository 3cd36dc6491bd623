import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createAccessControl } from '../../../src/oauth/resource-server/access-control.ts'
import { createOwnIssuer } from '../../../src/oauth/resource-server/token-issuer.ts'
import { createTokenMemory } from '../../../src/oauth/resource-server/token-memory.ts'
import { silentLogger } from '../../fixtures/silent-logger.ts'

const origin = 'https://quiet-otter.example'
const claims = {
  issuer: origin,
  subject: 'owner',
  clientId: 'client',
  scopes: ['mcp'],
  grantId: 'grant',
}

function setup({ expiresAt = 10 * 60_000 } = {}) {
  const clock = { time: 0 }
  const memory = createTokenMemory(() => clock.time)
  let verified = 0
  const ask = (token: string, resource: string) =>
    memory.claims(token, resource, async () => {
      verified += 1
      if (token === 'bad') throw new Error('its signature does not hold')
      return { ...claims, expiresAt }
    })
  return { clock, ask, verified: () => verified }
}

describe('the memory of verified tokens', () => {
  it('verifies a token once, and again after a minute', async () => {
    const { clock, ask, verified } = setup()
    await ask('token', 'work')
    clock.time = 59_999
    expect(await ask('token', 'work')).toMatchObject({ subject: 'owner' })
    expect(verified()).toBe(1)
    clock.time = 60_000
    await ask('token', 'work')
    expect(verified()).toBe(2)
  })

  it('never outlives a token', async () => {
    const { clock, ask, verified } = setup({ expiresAt: 5_000 })
    await ask('token', 'work')
    clock.time = 5_000
    await ask('token', 'work')
    expect(verified()).toBe(2)
  })

  it.each([
    ['another resource', 'token', 'home'],
    ['another token', 'token2', 'work'],
    ['a token and a resource that read the same together', 'n', 'work toke'],
  ])('says nothing of %s', async (_what, token, resource) => {
    const { ask, verified } = setup()
    await ask('token', 'work')
    await ask(token, resource)
    expect(verified()).toBe(2)
  })

  it('remembers nothing that was refused', async () => {
    const { ask, verified } = setup()
    await expect(ask('bad', 'work')).rejects.toThrow()
    await expect(ask('bad', 'work')).rejects.toThrow()
    expect(verified()).toBe(2)
  })

  it('keeps a bounded number of tokens, the newest', async () => {
    const { ask, verified } = setup()
    for (let index = 0; index <= 1_000; index += 1) await ask(`token${index}`, 'work')
    await ask('token1000', 'work')
    expect(verified()).toBe(1_001)
    await ask('token0', 'work')
    expect(verified()).toBe(1_002)
  })
})

it('refuses a remembered token at the very next call when its grant is revoked', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] }
  let isLive = true
  const access = createAccessControl({
    profile: (name) => ({ name, description: undefined, scopes: ['mcp'], auth: 'oauth' }),
    allowAnonymous: false,
    issuers: (at) => [createOwnIssuer(at, async () => keys)],
    isGrantLive: async () => isLive,
    apiKeys: { verify: async () => undefined },
    now: Date.now,
    logger: silentLogger,
  })
  const token = await new SignJWT({ scope: 'mcp', client_id: 'client', grant_id: 'grant' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
    .setIssuer(origin)
    .setSubject('owner')
    .setAudience(`${origin}/api/mcp/work`)
    .setExpirationTime('10m')
    .sign(privateKey)
  const call = (profile = 'work') =>
    access.authorize({ exposure: 'public', origin, profile, authorization: `Bearer ${token}` })
  expect(await call()).toMatchObject({ ok: true })
  expect(await call('other')).toMatchObject({ ok: false, status: 401 })
  isLive = false
  expect(await call()).toMatchObject({ ok: false, status: 401 })
})
