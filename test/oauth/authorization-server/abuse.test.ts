import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { continueUrl, createBrowser, type Visit } from '../browser.ts'
import { type Lab, startLab } from '../lab.ts'
import {
  allow,
  ask,
  call,
  type Discovered,
  discover,
  exchange,
  logIn,
  redirectUri,
  refresh,
  register,
  revoke,
} from '../oauth-flow.ts'

let lab: Lab
let found: Discovered
beforeAll(async () => {
  lab = await startLab()
  found = await discover(lab)
})
afterAll(() => lab.close())

/** Opens an authorization request with something changed. */
async function attempt(changes: Record<string, string | undefined>): Promise<Visit> {
  return createBrowser().open((await ask(found, changes)).url)
}

/** The way to an answer with a code in it. */
async function obtainCode(from: Discovered = found) {
  const browser = createBrowser()
  const asked = await ask(from)
  return { ...asked, callback: new URL(await allow(lab, await browser.open(asked.url), browser)) }
}

function redeem(parameters: Record<string, string>): Promise<Response> {
  return fetch(String(found.as.token_endpoint), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: found.client.client_id,
      redirect_uri: redirectUri,
      ...parameters,
    }),
  })
}

describe('authorization requests that go nowhere', () => {
  const foreign: [string, string][] = [
    ['another host', 'https://evil.example/callback'],
    ['another loopback name', 'http://localhost:7777/callback'],
    ['another path', 'http://127.0.0.1:7777/other'],
    ['a longer path', 'http://127.0.0.1:7777/callback/x'],
    ['a query', 'http://127.0.0.1:7777/callback?x=1'],
    ['another scheme', 'https://127.0.0.1:7777/callback'],
    ['a host that begins alike', 'http://127.0.0.1.evil.example:7777/callback'],
    ['a user name', 'http://127.0.0.1:7777@evil.example/callback'],
    ['credentials', 'http://a:b@127.0.0.1:7777/callback'],
    ['dots', 'http://127.0.0.1:7777/callback/../evil'],
    ['a script', 'javascript:alert(1)'],
    ['no address', '/callback'],
  ]
  it.each(foreign)('shows an error instead of redirecting to %s', async (_, redirect_uri) => {
    const visit = await attempt({ redirect_uri })
    expect(visit).toMatchObject({ status: 400, leftFor: undefined })
    expect(visit.text).toContain('invalid_redirect_uri')
  })

  it.each([undefined, 'nobody', 'https://127.0.0.1/client'])(
    'shows an error for the client %s',
    async (client_id) => {
      expect(await attempt({ client_id })).toMatchObject({ status: 400, leftFor: undefined })
    },
  )
})

describe('authorization requests that are answered with an error', () => {
  // Whoever was never allowed anything is answered with a page.
  beforeAll(() => logIn(lab, { found }))

  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const rows: [string, Record<string, string | undefined>, string][] = [
    [
      'without PKCE',
      { code_challenge: undefined, code_challenge_method: undefined },
      'invalid_request',
    ],
    [
      'with plain PKCE',
      { code_challenge: challenge, code_challenge_method: 'plain' },
      'invalid_request',
    ],
    [
      'without a PKCE method',
      { code_challenge: challenge, code_challenge_method: undefined },
      'invalid_request',
    ],
    ['with a short challenge', { code_challenge: 'short' }, 'invalid_request'],
    ['for the implicit flow', { response_type: 'token' }, 'unsupported_response_type'],
    [
      'for another resource',
      { resource: 'https://elsewhere.example/api/mcp/work' },
      'invalid_target',
    ],
    ['for an unknown profile', { resource: 'unknown' }, 'invalid_target'],
    ['without a page', { prompt: 'none' }, 'login_required'],
    ['with a form that posts itself', { response_mode: 'form_post' }, 'unsupported_response_mode'],
    ['in the fragment', { response_mode: 'fragment' }, 'unsupported_response_mode'],
  ]
  it.each(rows)('%s', async (_, changes, error) => {
    const resource = changes.resource
    const named = resource === 'unknown' ? lab.mcp('unknown') : resource
    const { leftFor } = await attempt({
      ...changes,
      ...(named !== undefined && { resource: named }),
    })
    const answer = new URL(String(leftFor))
    expect(answer.origin + answer.pathname).toBe(redirectUri)
    const parameters = new URLSearchParams(answer.search || answer.hash.slice(1))
    expect(parameters.get('error')).toBe(error)
    expect(parameters.get('iss')).toBe(lab.public)
    expect(parameters.get('code')).toBeNull()
  })

  it.each(rows)('%s, but on a page, for a client that nobody has allowed', async (_, changes) => {
    const client = await register(found.as)
    const { url } = await ask({ ...found, client }, changes)
    const visit = await createBrowser().open(url)
    expect(visit).toMatchObject({ status: 400, leftFor: undefined })
    expect(visit.text).toContain('This request cannot be answered')
    expect(visit.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(visit.text).not.toContain(`href="${redirectUri}`)
  })

  it.each(['/oauth/authorize/', '/oauth/%61uthorize', '/OAUTH/authorize'])(
    'in the query alone, whatever the form of the path: %s',
    async (path) => {
      const { url } = await ask(found, { response_mode: 'form_post', prompt: 'none' })
      const response = await fetch(url.replace('/oauth/authorize', path), { redirect: 'manual' })
      const text = await response.text()
      expect(text).not.toContain('<form')
      const stranger = await ask({ ...found, client: await register(found.as) }, { prompt: 'none' })
      const shown = await fetch(stranger.url.replace('/oauth/authorize', path), {
        redirect: 'manual',
      })
      expect(shown.status).toBeGreaterThanOrEqual(400)
    },
  )

  it('for two resources at once', async () => {
    const asked = new URL((await ask(found)).url)
    asked.searchParams.append('resource', lab.mcp('default'))
    const { leftFor } = await createBrowser().open(asked.href)
    expect(leftFor).toContain('error=invalid_target')
  })

  it('says so when the owner does not allow it', async () => {
    const browser = createBrowser()
    const page = await browser.open((await ask(found)).url)
    const answered = await browser.submit(page.url, { decision: 'deny' })
    const { leftFor } = await browser.open(continueUrl(answered))
    expect(leftFor).toContain('error=access_denied')
  })
})

describe('codes', () => {
  it('refuses a stolen code to another client, and without the verifier', async () => {
    const thief = await register(found.as)
    const { callback, verifier } = await obtainCode()
    const code = String(callback.searchParams.get('code'))
    const attempts = [
      { code, client_id: thief.client_id, code_verifier: verifier },
      { code },
      { code, code_verifier: 'a'.repeat(43) },
      { code, code_verifier: verifier, redirect_uri: 'http://127.0.0.1:1/callback' },
      { code, code_verifier: verifier, resource: lab.mcp('default') },
    ]
    for (const parameters of attempts) {
      const response = await redeem(parameters as Record<string, string>)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({
        error: expect.stringMatching(/^invalid_(grant|target)$/),
      })
    }
  })

  it('ends everything that was issued on a code that is used twice', async () => {
    const answer = await obtainCode()
    const tokens = await exchange(found, answer)
    const code = String(answer.callback.searchParams.get('code'))
    const again = await redeem({ code, code_verifier: answer.verifier })
    expect(await again.json()).toMatchObject({ error: 'invalid_grant' })
    expect((await call(found.resource, tokens.access_token)).status).toBe(401)
    expect((await refresh(found, String(tokens.refresh_token))).status).toBe(400)
  })

  it('gives tokens to at most one of many that redeem a code at the same moment', async () => {
    const { callback, verifier } = await obtainCode()
    const code = String(callback.searchParams.get('code'))
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => redeem({ code, code_verifier: verifier })),
    )
    expect(responses.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
  })
})

describe('refresh tokens', () => {
  it('forgives a repetition while its answer may have been lost', async () => {
    const login = await logIn(lab, { found })
    const first = String(login.tokens.refresh_token)
    const [lost, second] = await Promise.all([refresh(login, first), refresh(login, first)])
    expect([lost.status, second.status]).toEqual([200, 200])
    expect((await refresh(login, first)).status).toBe(200)
  })

  it('ends the family when a token returns after its successor was used', async () => {
    const login = await logIn(lab, { found })
    const first = String(login.tokens.refresh_token)
    const second = await tokenOf(await refresh(login, first))
    const third = await tokenOf(await refresh(login, second))
    expect((await refresh(login, first)).status).toBe(400)
    expect((await refresh(login, third)).status).toBe(400)
    expect((await call(login.resource, login.tokens.access_token)).status).toBe(401)
  })

  it('ends the family when a token returns after half a minute', async () => {
    const login = await logIn(lab, { found })
    const first = String(login.tokens.refresh_token)
    const second = await tokenOf(await refresh(login, first))
    lab.clock.ahead = 32_000
    try {
      expect((await refresh(login, first)).status).toBe(400)
      expect((await refresh(login, second)).status).toBe(400)
    } finally {
      lab.clock.ahead = 0
    }
  })

  it('belong to one client', async () => {
    const login = await logIn(lab, { found })
    const thief = { ...found, client: await register(found.as) }
    const stolen = String(login.tokens.refresh_token)
    expect((await refresh(thief, stolen)).status).toBe(400)
    await revoke(thief, stolen)
    expect((await refresh(login, stolen)).status).toBe(200)
  })
})

describe('tokens at another door', () => {
  it('are not good for another profile, another origin, or in the query', async () => {
    const { tokens, resource } = await logIn(lab, { found })
    const token = tokens.access_token
    expect((await call(lab.mcp('default'), token)).status).toBe(401)
    expect((await call(`${resource}?access_token=${token}`, undefined)).status).toBe(401)
    const body = new URLSearchParams({ access_token: token })
    expect((await fetch(resource, { method: 'POST', body })).status).toBe(401)
  })

  it('are good in their own origin only', async () => {
    const guarded = await startLab({ auth: 'oauth' })
    try {
      const { tokens } = await logIn(guarded)
      expect((await call(guarded.mcp('work', guarded.local), tokens.access_token)).status).toBe(401)
      expect((await call(guarded.mcp('work'), tokens.access_token)).status).toBe(200)
    } finally {
      await guarded.close()
    }
  })
})

describe('forged headers', () => {
  const forged: Record<string, string>[] = [
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-host': 'localhost', 'x-forwarded-proto': 'https' },
    { forwarded: 'for=127.0.0.1;host=localhost;proto=https' },
    { 'x-real-ip': '127.0.0.1' },
    { 'x-original-url': '/health' },
  ]
  it.each(forged)('do not make a request local: %o', async (headers) => {
    const response = await fetch(lab.mcp('work'), { method: 'POST', headers })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain(`"${lab.public}/`)
  })

  it.each(forged)('do not change the issuer: %o', async (headers) => {
    const url = `${lab.public}/.well-known/oauth-authorization-server`
    const metadata = (await (await fetch(url, { headers })).json()) as Record<string, unknown>
    expect(metadata.issuer).toBe(lab.public)
    for (const [name, value] of Object.entries(metadata)) {
      if (/_endpoint$|_uri$/.test(name))
        expect(String(value).startsWith(`${lab.public}/oauth/`)).toBe(true)
    }
  })

  it('lets the listener decide, whatever Host and request target say', async () => {
    const { hostname, port } = new URL(lab.public)
    const statusOf = (path: string, host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ hostname, port, path, method: 'POST', headers: { host } }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
    const own = new URL(lab.public).host
    expect(await statusOf('/api/mcp/work', new URL(lab.local).host)).toBe(421)
    expect(await statusOf('/api/mcp/work', 'evil.example')).toBe(421)
    expect(await statusOf('/api/mcp/work', own)).toBe(401)
    expect(await statusOf(`${lab.local}/api/mcp/work`, own)).not.toBe(200)
    expect((await call(lab.mcp('work', lab.local), undefined)).status).toBe(200)
  })
})

async function tokenOf(response: Response): Promise<string> {
  const { refresh_token } = (await response.json()) as { refresh_token: string }
  return refresh_token
}
