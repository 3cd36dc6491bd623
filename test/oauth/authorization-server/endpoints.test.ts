import { chmod, stat, writeFile } from 'node:fs/promises'
import { decodeProtectedHeader, exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openSigningKeys,
  rotateSigningKeys,
} from '../../../src/oauth/authorization-server/signing-keys.ts'
import { type Lab, startLab } from '../lab.ts'
import { call, discover, logIn, refresh } from '../oauth-flow.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab()
})
afterAll(() => lab.close())

async function json(url: string, init?: RequestInit) {
  const response = await fetch(url, init)
  return { response, body: (await response.json()) as Record<string, unknown> }
}

describe('protected resource metadata', () => {
  it('describes a profile at its own place and the first one at the root', async () => {
    const own = await json(`${lab.public}/.well-known/oauth-protected-resource/api/mcp/work`)
    expect(own.body).toEqual({
      resource: `${lab.public}/api/mcp/work`,
      authorization_servers: [lab.public],
      scopes_supported: ['mcp', 'write'],
      bearer_methods_supported: ['header'],
      resource_name: 'Sallyport: work',
    })
    const root = await json(`${lab.public}/.well-known/oauth-protected-resource`)
    expect(root.body).toMatchObject({ resource: `${lab.public}/api/mcp/default` })
  })

  it('is absent where no token is asked for, so that no client logs in for nothing', async () => {
    for (const path of ['', '/api/mcp/work', '/api/mcp/missing']) {
      const url = `${lab.local}/.well-known/oauth-protected-resource${path}`
      expect((await fetch(url)).status).toBe(404)
    }
  })
})

describe('authorization server metadata', () => {
  it('is the same in both places and names what MCP requires', async () => {
    const [first, second] = await Promise.all(
      ['oauth-authorization-server', 'openid-configuration'].map((name) =>
        json(`${lab.public}/.well-known/${name}`),
      ),
    )
    expect(first?.body).toEqual(second?.body)
    expect(first?.body).toMatchObject({
      issuer: lab.public,
      authorization_endpoint: `${lab.public}/oauth/authorize`,
      token_endpoint: `${lab.public}/oauth/token`,
      registration_endpoint: `${lab.public}/oauth/register`,
      revocation_endpoint: `${lab.public}/oauth/revoke`,
      introspection_endpoint: `${lab.public}/oauth/introspect`,
      jwks_uri: `${lab.public}/oauth/jwks`,
      code_challenge_methods_supported: ['S256'],
      response_types_supported: ['code'],
      authorization_response_iss_parameter_supported: true,
      scopes_supported: ['mcp', 'write', 'openid', 'offline_access'],
    })
    expect(first?.body.token_endpoint_auth_methods_supported).toContain('none')
    expect(first?.body).not.toHaveProperty('client_id_metadata_document_supported')
  })

  it('says nothing of endpoints that do not exist', async () => {
    const { body } = await json(`${lab.public}/.well-known/oauth-authorization-server`)
    for (const [name, url] of Object.entries(body)) {
      if (!name.endsWith('_endpoint')) continue
      expect((await fetch(String(url), { method: 'POST' })).status, name).not.toBe(500)
    }
    expect(Object.keys(body)).not.toContain('userinfo_endpoint')
  })
})

describe('pages of other origins', () => {
  it('register and redeem from where the origin guard lets them', async () => {
    const origin = 'http://localhost:6274'
    const url = `${lab.local}/oauth/register`
    const { response } = await json(url, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: [`${origin}/callback`],
        token_endpoint_auth_method: 'none',
      }),
    })
    expect(response.status).toBe(201)
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    const foreign = await fetch(`${lab.public}/oauth/register`, {
      method: 'POST',
      headers: { origin },
    })
    expect(foreign.status).toBe(403)
  })
})

describe('introspection', () => {
  it('tells a client about its own refresh token, and nobody else', async () => {
    const login = await logIn(lab)
    const other = await discover(lab)
    const inspect = async (client_id: string) =>
      (
        await json(`${lab.public}/oauth/introspect`, {
          method: 'POST',
          body: new URLSearchParams({ client_id, token: String(login.tokens.refresh_token) }),
        })
      ).body
    expect(await inspect(login.client.client_id)).toMatchObject({ active: true, scope: 'mcp' })
    expect(await inspect(other.client.client_id)).toEqual({ active: false })
  })
})

describe('limits', () => {
  it('answers 429 with Retry-After beyond the limit', async () => {
    const strict = await startLab({ limits: { register: 2, authorize: 1, token: 1 } })
    try {
      const statuses: number[] = []
      for (let n = 0; n < 3; n += 1) {
        const response = await fetch(`${strict.public}/oauth/register`, {
          method: 'POST',
          body: '{}',
        })
        statuses.push(response.status)
        if (response.status === 429)
          expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      }
      expect(statuses).toEqual([400, 400, 429])
    } finally {
      await strict.close()
    }
  })

  it('reads no body beyond 32 KiB', async () => {
    const body = JSON.stringify({ redirect_uris: ['https://a.example/'], x: 'x'.repeat(40_000) })
    expect((await fetch(`${lab.public}/oauth/register`, { method: 'POST', body })).status).toBe(413)
  })
})

describe('the keys', () => {
  it('lie in a file that only the user can read', async () => {
    expect((await stat(lab.keyFile)).mode & 0o777).toBe(0o600)
  })

  it('are not used when other users can read them', async () => {
    await chmod(lab.keyFile, 0o644)
    await expect(openSigningKeys(lab.keyFile)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    await chmod(lab.keyFile, 0o600)
  })

  it('show no private part', async () => {
    const { body } = await json(`${lab.public}/oauth/jwks`)
    const published = [
      ...(body as unknown as JSONWebKeySet).keys,
      ...(await lab.servers.publicKeys()).keys,
    ]
    expect(published.length).toBeGreaterThan(1)
    for (const key of published) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    }
  })

  it('of another algorithm go on verifying, and sign no more', async () => {
    const path = `${lab.keyFile}.older`
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const older = { ...(await exportJWK(privateKey)), kid: 'older', alg: 'ES256', use: 'sig' }
    const file = { keys: [{ jwk: older }], cookieKeys: ['a secret of the older file'] }
    await writeFile(path, JSON.stringify(file), { mode: 0o600 })
    const { jwks, publicJwks } = await (await openSigningKeys(path)).current()
    expect(jwks.keys.map(({ alg }) => alg)).toEqual(['RS256', 'ES256'])
    expect(Object.keys(publicJwks.keys[1] ?? {}).sort()).toEqual([
      'alg',
      'crv',
      'kid',
      'kty',
      'use',
      'x',
      'y',
    ])
  })

  it('are rotated while everybody stays logged in', async () => {
    const login = await logIn(lab)
    const before = decodeProtectedHeader(login.tokens.access_token).kid
    const kid = await rotateSigningKeys(lab.keyFile, Date.now())
    expect(kid).not.toBe(before)
    expect((await call(login.resource, login.tokens.access_token)).status).toBe(200)
    const answer = await refresh(login, String(login.tokens.refresh_token))
    const { access_token } = (await answer.json()) as { access_token: string }
    expect(decodeProtectedHeader(access_token).kid).toBe(kid)
    expect((await call(login.resource, access_token)).status).toBe(200)
    const { body } = await json(`${lab.public}/oauth/jwks`)
    expect((body.keys as { kid: string }[]).map((key) => key.kid)).toEqual([kid, before])
  })

  it('verify for a day after their rotation, and no longer', async () => {
    const day = 24 * 3_600_000
    const kid = await rotateSigningKeys(lab.keyFile, Date.now() + day + 1_000)
    await rotateSigningKeys(lab.keyFile, Date.now() + 2 * day + 3_000)
    const { keys } = await lab.servers.publicKeys()
    expect(keys.map((key) => key.kid)).toContain(kid)
    expect(keys).toHaveLength(2)
  })
})
