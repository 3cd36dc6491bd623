import { createHmac } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ProfileAuth } from '../../../src/oauth/policy.ts'
import {
  type AccessRequest,
  createAccessControl,
} from '../../../src/oauth/resource-server/access-control.ts'
import { createApiKeys } from '../../../src/oauth/resource-server/api-keys.ts'
import {
  createExternalIssuer,
  createOwnIssuer,
} from '../../../src/oauth/resource-server/token-issuer.ts'
import { silentLogger } from '../../fixtures/silent-logger.ts'
import { createMemoryStore } from '../memory-store.ts'

const origin = 'https://quiet-otter.example'
const other = 'https://localhost:3443'
const foreign = 'https://issuer.example/tenant'
const resource = `${origin}/api/mcp/work`
const now = Date.UTC(2026, 10, 21)
const seconds = now / 1000

type Alg = 'ES256' | 'RS256' | 'EdDSA' | 'PS256' | 'ES384'
const algs: Alg[] = ['ES256', 'RS256', 'EdDSA', 'PS256', 'ES384']
const pairs = new Map<Alg, Awaited<ReturnType<typeof generateKeyPair>>>()
beforeAll(async () => {
  for (const alg of algs) pairs.set(alg, await generateKeyPair(alg, { extractable: true }))
})

function pairOf(alg: Alg) {
  const pair = pairs.get(alg)
  if (!pair) throw new Error(`no key for ${alg}`)
  return pair
}

async function publicKeys() {
  const keys = algs.map(async (alg) => ({ ...(await exportJWK(pairOf(alg).publicKey)), kid: alg }))
  return { keys: await Promise.all(keys) }
}

interface TokenChange {
  claims?: JWTPayload
  without?: string[]
  header?: Record<string, unknown>
  alg?: Alg
}

async function mint({ claims = {}, without = [], header = {}, alg = 'ES256' }: TokenChange = {}) {
  const payload: JWTPayload = {
    iss: origin,
    aud: resource,
    sub: 'owner',
    client_id: 'client',
    scope: 'mcp',
    grant_id: 'live',
    iat: seconds - 10,
    exp: seconds + 600,
    ...claims,
  }
  for (const name of without) delete payload[name]
  return new SignJWT(payload)
    .setProtectedHeader({ alg, kid: alg, typ: 'at+jwt', ...header })
    .sign(pairOf(alg).privateKey)
}

function setup(options: { auth?: ProfileAuth; revoked?: string; keysFail?: boolean } = {}) {
  const apiKeys = createApiKeys({ store: createMemoryStore(), now: () => now })
  const external = createExternalIssuer(foreign, {
    fetch: async (url) => {
      if (options.keysFail) throw new TypeError('fetch failed')
      return Response.json(
        url.includes('.well-known')
          ? { issuer: foreign, jwks_uri: 'https://issuer.example/jwks' }
          : await publicKeys(),
      )
    },
  })
  const access = createAccessControl({
    profile: (name) =>
      name === 'missing'
        ? undefined
        : { name, description: undefined, scopes: ['mcp', 'write'], auth: options.auth },
    allowAnonymous: false,
    issuers: (at) => [createOwnIssuer(at, publicKeys), external],
    isGrantLive: async (_, grantId) => grantId !== '' && grantId !== options.revoked,
    apiKeys,
    now: () => now,
    logger: silentLogger,
  })
  const authorize = (authorization: string | undefined, more: Partial<AccessRequest> = {}) =>
    access.authorize({ exposure: 'public', origin, profile: 'work', authorization, ...more })
  return { access, apiKeys, authorize }
}

const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource/api/mcp/work"`

describe('challenges', () => {
  it('sends a bare challenge with metadata and scope when there are no credentials', async () => {
    for (const header of [undefined, '', '  ']) {
      expect(await setup().authorize(header)).toMatchObject({
        ok: false,
        status: 401,
        headers: { 'www-authenticate': `Bearer scope="mcp", ${metadata}` },
      })
    }
  })

  it('does not send a client to log in where only a key helps', async () => {
    expect(await setup({ auth: 'key' }).authorize(undefined)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="work"' },
    })
  })

  it('lets nobody in by the claim of being local', async () => {
    const { authorize } = setup()
    expect(await authorize(undefined, { exposure: 'loopback' })).toMatchObject({ ok: true })
    expect(await authorize(undefined, { exposure: 'network' })).toMatchObject({ status: 401 })
  })

  it('names every scope that is needed', async () => {
    const { access, authorize } = setup()
    const result = await authorize(`Bearer ${await mint()}`)
    if (!result.ok || result.principal.kind !== 'token') throw new Error('refused')
    const target = { origin, profile: 'work' }
    const refusal = access.requireScopes(result.principal, ['mcp', 'write'], target)
    expect(refusal).toMatchObject({
      status: 403,
      headers: {
        'www-authenticate': `Bearer error="insufficient_scope", error_description="the request needs the scopes mcp write", scope="mcp write", ${metadata}`,
      },
    })
  })

  it('refuses a token without the base scope', async () => {
    const token = await mint({ claims: { scope: 'openid' } })
    expect(await setup().authorize(`Bearer ${token}`)).toMatchObject({ status: 403 })
  })
})

describe('access tokens', () => {
  const good: [string, TokenChange][] = [
    ['ES256', {}],
    ['RS256', { alg: 'RS256' }],
    ['EdDSA', { alg: 'EdDSA' }],
    ['the audience as a list of one', { claims: { aud: [resource] } }],
    ['expired 29 s ago', { claims: { exp: seconds - 29 } }],
    ['valid in 29 s', { claims: { nbf: seconds + 29 } }],
    ['the media type in full', { header: { typ: 'application/at+jwt' } }],
    ['the external issuer', { claims: { iss: foreign } }],
    ['scopes as a list', { claims: { scp: ['mcp', 'write'] }, without: ['scope'] }],
    [
      'a grant of the external issuer, which is its own affair',
      { claims: { iss: foreign, grant_id: 'gone' } },
    ],
  ]
  it.each(good)('accepts %s', async (_, change) => {
    const { authorize } = setup()
    expect(await authorize(`Bearer ${await mint(change)}`)).toMatchObject({
      ok: true,
      principal: { kind: 'token', subject: 'owner', clientId: 'client' },
    })
  })

  const bad: [string, TokenChange, string][] = [
    [
      "another profile's audience",
      { claims: { aud: `${origin}/api/mcp/home` } },
      'another resource',
    ],
    [
      'the audience of another origin',
      { claims: { aud: `${other}/api/mcp/work` } },
      'another resource',
    ],
    ['a trailing slash', { claims: { aud: `${resource}/` } }, 'another resource'],
    ['the origin as audience', { claims: { aud: origin } }, 'another resource'],
    ['a prefix of the audience', { claims: { aud: resource.slice(0, -1) } }, 'another resource'],
    [
      'a second audience',
      { claims: { aud: [resource, 'https://evil.example'] } },
      'more than this',
    ],
    ['no audience', { without: ['aud'] }, 'another resource'],
    ['an unknown issuer', { claims: { iss: 'https://evil.example' } }, 'issuer'],
    ['our issuer of another origin', { claims: { iss: other } }, 'issuer'],
    ['a prefix of the issuer', { claims: { iss: `${foreign}/` } }, 'issuer'],
    ['no issuer', { without: ['iss'] }, 'issuer'],
    ['expired 31 s ago', { claims: { exp: seconds - 31 } }, 'expired'],
    ['no expiry', { without: ['exp'] }, '"exp"'],
    ['valid in 31 s', { claims: { nbf: seconds + 31 } }, 'not valid yet'],
    ['no subject', { without: ['sub'] }, '"sub"'],
    ['an ID token', { header: { typ: 'JWT' } }, '"typ"'],
    ['no type', { header: { typ: undefined } }, '"typ"'],
    ['an algorithm that is not allowed', { alg: 'PS256' }, 'signature'],
    ['a longer curve', { alg: 'ES384' }, 'signature'],
    ['an unknown key', { header: { kid: 'nobody' } }, 'signature'],
    ['the key of another algorithm', { header: { kid: 'RS256' } }, 'signature'],
    ['a critical extension', { header: { crit: ['x'], x: 1 } }, 'signature'],
    ['a revoked grant', { claims: { grant_id: 'gone' } }, 'revoked'],
    ['no grant', { without: ['grant_id'] }, 'revoked'],
  ]
  it.each(bad)('refuses %s', async (_, change, reason) => {
    const { authorize } = setup({ revoked: 'gone' })
    const token = await mint(change).catch(() => mintRaw(change))
    const result = await authorize(`Bearer ${token}`)
    expect(result).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringContaining('error="invalid_token"') },
      body: { error: 'invalid_token', error_description: expect.stringContaining(reason) },
    })
  })

  it('refuses `alg: none` and HMAC with the public key', async () => {
    const { authorize } = setup()
    const [, body = ''] = (await mint()).split('.')
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const pem = await exportSPKI(pairOf('RS256').publicKey)
    const signed = `${encode({ alg: 'HS256', kid: 'RS256', typ: 'at+jwt' })}.${body}`
    const hmac = createHmac('sha256', pem).update(signed).digest('base64url')
    const tokens = [
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${body}.`,
      `${encode({ alg: 'NONE', typ: 'at+jwt' })}.${body}.AA`,
      `${signed}.${hmac}`,
      `${(await mint()).slice(0, -6)}AAAAAA`,
    ]
    for (const token of tokens) {
      expect(await authorize(`Bearer ${token}`)).toMatchObject({ status: 401 })
    }
  })

  const headers = [
    'Bearer',
    'Bearer a b',
    'Basic b3duZXI6eA==',
    `Bearer ${'a'.repeat(9_000)}`,
    'Bearer …',
  ]
  it.each(headers)('refuses the header %.20s', async (header) => {
    expect(await setup().authorize(header)).toMatchObject({
      status: 401,
      body: { error: 'invalid_token' },
    })
  })

  it('answers 503 and accepts nothing while the keys of an issuer cannot be had', async () => {
    const { authorize } = setup({ keysFail: true })
    expect(await authorize(`Bearer ${await mint({ claims: { iss: foreign } })}`)).toMatchObject({
      ok: false,
      status: 503,
      headers: { 'retry-after': '10' },
    })
  })
})

describe('API keys at the door', () => {
  it('takes a key of the profile where OAuth or a key is asked for', async () => {
    for (const auth of ['key', 'oauth'] as const) {
      const { apiKeys, authorize } = setup({ auth })
      const { key, record } = await apiKeys.create({ profile: 'work' })
      expect(await authorize(`Bearer ${key}`)).toEqual({
        ok: true,
        principal: { kind: 'key', keyId: record.id },
      })
      expect(await authorize(`Bearer ${key}`, { profile: 'home' })).toMatchObject({ status: 401 })
    }
  })

  it('takes no access token where only a key is asked for', async () => {
    const { authorize } = setup({ auth: 'key' })
    expect(await authorize(`Bearer ${await mint()}`)).toMatchObject({ status: 401 })
  })
})

/** Signs what `SignJWT` refuses to sign. */
async function mintRaw(change: TokenChange): Promise<string> {
  const [head = '', body = '', signature = ''] = (await mint({ ...change, header: {} })).split('.')
  const header = { ...JSON.parse(Buffer.from(head, 'base64url').toString()), ...change.header }
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), body, signature].join('.')
}
