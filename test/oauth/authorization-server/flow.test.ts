import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser } from '../browser.ts'
import { type Lab, startLab } from '../lab.ts'
import { allow, ask, call, discover, exchange, logIn, refresh, revoke } from '../oauth-flow.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab()
})
afterAll(() => lab.close())

describe('an MCP client', () => {
  it('discovers, registers, is allowed by the owner, and calls', async () => {
    const { tokens, resource } = await logIn(lab)
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'mcp', expires_in: 3600 })
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({
      typ: 'at+jwt',
      alg: 'RS256',
    })
    expect(decodeJwt(tokens.access_token)).toMatchObject({ iss: lab.public, aud: resource })
    const response = await call(resource, tokens.access_token)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      principal: { kind: 'token', subject: 'owner', scopes: ['mcp'] },
    })
  })

  it('gets a fresh access token and another refresh token', async () => {
    const login = await logIn(lab)
    const response = await refresh(login, String(login.tokens.refresh_token))
    const next = (await response.json()) as Record<string, string>
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(next.refresh_token).not.toBe(login.tokens.refresh_token)
    expect((await call(login.resource, String(next.access_token))).status).toBe(200)
  })

  it('is done when it revokes its refresh token', async () => {
    const login = await logIn(lab)
    expect((await revoke(login, String(login.tokens.refresh_token))).status).toBe(200)
    expect((await call(login.resource, login.tokens.access_token)).status).toBe(401)
    expect((await refresh(login, String(login.tokens.refresh_token))).status).toBe(400)
  })

  it('is asked for the scope of a tool, and gets it', async () => {
    const login = await logIn(lab)
    const body = { method: 'tools/call', params: { name: 'write_note' } }
    const refused = await call(login.resource, login.tokens.access_token, body)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('scope="mcp write"')
    const { tokens } = await logIn(lab, { found: login, scope: 'mcp write' })
    expect((await call(login.resource, tokens.access_token, body)).status).toBe(200)
  })

  it('gets the base scope and the first profile when it names neither', async () => {
    const found = await discover(lab)
    const browser = createBrowser()
    const asked = await ask(found, { scope: undefined, resource: undefined })
    const callback = new URL(await allow(lab, await browser.open(asked.url), browser))
    const resource = lab.mcp('default')
    const tokens = await exchange({ ...found, resource }, { callback, ...asked })
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: resource, scope: 'mcp' })
  })

  it('logs in at every origin, each an issuer of its own', async () => {
    const protectedLab = await startLab({ auth: 'oauth' })
    try {
      for (const origin of [protectedLab.local, protectedLab.public]) {
        const found = await discover(protectedLab, 'work', origin)
        const { tokens } = await logIn(protectedLab, { found })
        expect(decodeJwt(tokens.access_token)).toMatchObject({
          iss: origin,
          aud: protectedLab.mcp('work', origin),
        })
        expect((await call(found.resource, tokens.access_token)).status).toBe(200)
      }
    } finally {
      await protectedLab.close()
    }
  })

  it('may use another port of this machine than it registered', async () => {
    const found = await discover(lab)
    const redirect_uri = 'http://127.0.0.1:50123/callback'
    const browser = createBrowser()
    const { url } = await ask(found, { redirect_uri })
    expect(await allow(lab, await browser.open(url), browser)).toMatch(redirect_uri)
  })
})

describe('what is remembered', () => {
  it('asks the owner for a click, not a code, when the same client returns to the same browser', async () => {
    const login = await logIn(lab)
    const before = lab.announcements.length
    const again = await login.browser.open((await ask(login)).url)
    expect(again.text).not.toContain('Six-digit code')
    expect(lab.announcements).toHaveLength(before)
    await expect(allow(lab, again, login.browser)).resolves.toContain('code=')
  })

  it('asks for a code again for more scopes, another client and another browser', async () => {
    const login = await logIn(lab)
    const other = await discover(lab)
    const visits = [
      await login.browser.open((await ask(login, { scope: 'mcp write' })).url),
      await login.browser.open((await ask(other)).url),
      await createBrowser().open((await ask(login)).url),
    ]
    for (const visit of visits) expect(visit.text).toContain('Six-digit code')
  })

  it('lists a grant and ends its tokens when it is revoked', async () => {
    const login = await logIn(lab)
    const grant = (await lab.grants.list()).find((one) => one.clientId === login.client.client_id)
    expect(grant).toMatchObject({
      clientName: 'Test client',
      redirectHost: '127.0.0.1:7777 (the computer of that browser)',
      profile: 'work',
      scopes: ['mcp'],
      issuer: lab.public,
    })
    expect(await lab.grants.revoke(String(grant?.id))).toBe(true)
    expect((await call(login.resource, login.tokens.access_token)).status).toBe(401)
    expect((await refresh(login, String(login.tokens.refresh_token))).status).toBe(400)
    expect(await lab.grants.revoke(String(grant?.id))).toBe(false)
  })
})

describe('requests that are taken for what they mean', () => {
  const slash = '/'
  it.each([
    ['at both ends', slash, slash],
    ['in the browser only', slash, ''],
    ['at the token endpoint only', '', slash],
    ['nowhere', '', ''],
  ])('name the resource with a slash at its end: %s', async (_, atAuthorize, atToken) => {
    const found = await discover(lab)
    const browser = createBrowser()
    const asked = await ask(found, { resource: found.resource + atAuthorize })
    const callback = new URL(await allow(lab, await browser.open(asked.url), browser))
    const resource = found.resource + atToken
    const tokens = await exchange({ ...found, resource }, { callback, ...asked })
    expect(decodeJwt(tokens.access_token).aud).toBe(found.resource)
    expect((await call(found.resource, tokens.access_token)).status).toBe(200)
  })

  it.each([['//'], ['/x'], ['?'], ['/../work/']])('but not with %s', async (end) => {
    const found = await discover(lab)
    const page = await createBrowser().open(
      (await ask(found, { resource: found.resource + end })).url,
    )
    expect(page.status).toBe(400)
    expect(page.text).toContain('invalid_target')
  })

  const scopes: [string, string, string[]][] = [
    ['claudeai', 'mcp', ['mcp']],
    ['offline_access', 'mcp', ['mcp', 'offline_access']],
    ['openid offline_access', 'mcp', ['mcp']],
    ['claudeai write', 'write', ['write']],
    ['mcp profile email', 'mcp', ['mcp']],
    ['', 'mcp', ['mcp']],
    ['"\\', 'mcp', ['mcp']],
  ]
  it.each(scopes)('ask for the scope %j', async (scope, granted, shown) => {
    const found = await discover(lab)
    const browser = createBrowser()
    const asked = await ask(found, { scope, prompt: 'consent' })
    const page = await browser.open(asked.url)
    expect(page.text).toContain(`<code>${shown[0]}</code>`)
    const callback = new URL(await allow(lab, page, browser))
    const tokens = await exchange(found, { callback, ...asked })
    expect(decodeJwt(tokens.access_token).scope).toBe(granted)
    const { refresh_token } = tokens
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: found.client.client_id,
      refresh_token: String(refresh_token),
      scope,
    })
    const again = await fetch(String(found.as.token_endpoint), { method: 'POST', body })
    expect(again.status, await again.text()).toBe(200)
  })
})
