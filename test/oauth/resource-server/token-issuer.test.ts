import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { verifyAccessToken } from '../../../src/oauth/resource-server/access-token.ts'
import { createExternalIssuer } from '../../../src/oauth/resource-server/token-issuer.ts'

const issuer = 'https://issuer.example'
const resource = 'https://me.example/api/mcp/work'

async function createKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const sign = () =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .setIssuer(issuer)
      .setAudience(resource)
      .setSubject('somebody')
      .setExpirationTime('5m')
      .sign(privateKey)
  return { jwk: { ...(await exportJWK(publicKey)), kid } as JWK, sign }
}

function setup(documents: () => Record<string, unknown>) {
  const asked: string[] = []
  const external = createExternalIssuer(issuer, {
    fetch: async (url) => {
      asked.push(new URL(url).pathname)
      const document = documents()[new URL(url).pathname]
      return document ? Response.json(document) : new Response('', { status: 404 })
    },
  })
  const verify = (token: string) =>
    verifyAccessToken(token, { issuers: [external], resource, now: new Date() })
  return { asked, verify }
}

const metadata = { issuer, jwks_uri: `${issuer}/jwks` }

describe('an external issuer', () => {
  it('reads its keys once for many tokens', async () => {
    const key = await createKey('one')
    const { asked, verify } = setup(() => ({
      '/.well-known/oauth-authorization-server': metadata,
      '/jwks': { keys: [key.jwk] },
    }))
    await verify(await key.sign())
    await verify(await key.sign())
    expect(asked).toEqual(['/.well-known/oauth-authorization-server', '/jwks'])
  })

  it('falls back to OpenID Connect discovery', async () => {
    const key = await createKey('one')
    const { verify } = setup(() => ({
      '/.well-known/openid-configuration': metadata,
      '/jwks': { keys: [key.jwk] },
    }))
    await expect(verify(await key.sign())).resolves.toMatchObject({ subject: 'somebody' })
  })

  it('follows a rotation of its keys after the cooldown', async () => {
    const [before, after] = [await createKey('before'), await createKey('after')]
    let keys = [before.jwk]
    const { verify } = setup(() => ({
      '/.well-known/oauth-authorization-server': metadata,
      '/jwks': { keys },
    }))
    await verify(await before.sign())
    keys = [after.jwk]
    const token = await after.sign()
    await expect(verify(token)).rejects.toMatchObject({ code: 'invalid_token' })
    vi.useFakeTimers({ now: Date.now() + 31_000, toFake: ['Date'] })
    try {
      await expect(verify(token)).resolves.toBeDefined()
    } finally {
      vi.useRealTimers()
    }
  })

  const failures: [string, Record<string, unknown>][] = [
    ['no metadata', {}],
    [
      'metadata of another issuer',
      { '/.well-known/oauth-authorization-server': { ...metadata, issuer: `${issuer}/` } },
    ],
    ['no key set', { '/.well-known/oauth-authorization-server': metadata }],
    [
      'a broken key set',
      { '/.well-known/oauth-authorization-server': metadata, '/jwks': { keys: 'none' } },
    ],
  ]
  it.each(failures)('neither accepts nor refuses with %s', async (_, documents) => {
    const key = await createKey('one')
    const { verify } = setup(() => documents)
    await expect(verify(await key.sign())).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
  })

  it('recovers once its metadata can be read', async () => {
    const key = await createKey('one')
    let up = false
    const { verify } = setup(() =>
      up
        ? { '/.well-known/oauth-authorization-server': metadata, '/jwks': { keys: [key.jwk] } }
        : {},
    )
    const token = await key.sign()
    await expect(verify(token)).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    up = true
    await expect(verify(token)).resolves.toBeDefined()
  })
})
