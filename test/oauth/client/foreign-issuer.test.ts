import { describe, expect, it } from 'vitest'
import type { UpstreamAuthConfig } from '../../../src/config/resolved-config.ts'
import { closeAfterEach } from '../../fixtures/cleanup.ts'
import {
  type ForeignIssuer,
  type ForeignIssuerOptions,
  startForeignIssuer,
} from './foreign-issuer.ts'
import { createOAuthLab } from './oauth-lab.ts'
import { startProtectedServer } from './protected-server.ts'

describe('the OAuth client with a foreign authorization server', () => {
  const closing = closeAfterEach()

  async function start(
    options: ForeignIssuerOptions & { auth?: Partial<UpstreamAuthConfig> } = {},
  ) {
    const issuer = closing(await startForeignIssuer(options))
    const server = closing(
      await startProtectedServer({ issuers: [issuer.issuer], introspect: issuer.introspect }),
    )
    return { issuer, server, lab: createOAuthLab(server.url, options.auth) }
  }

  const count = (issuer: ForeignIssuer, request: string) =>
    issuer.requests.filter((one) => one === request).length

  it('ends a call with a link, logs in through it, and then calls', async () => {
    const { lab, issuer } = await start()
    await expect(lab.call()).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: expect.stringMatching(
        /^The server "notes" needs a login\. Open http:\/\/localhost:3001\/api\/oauth\/login\/notes\?ticket=\S+ in a browser, then try again\.$/,
      ),
    })
    const answer = await lab.logIn()
    expect(answer).toMatchObject({ status: 200, page: { title: 'notes is connected' } })
    expect(answer.setCookie).toMatch(/Max-Age=0/)
    await expect((await lab.call()).json()).resolves.toEqual({ scopes: ['mcp'] })
    expect(lab.changes).toEqual(['notes login-needed', 'notes connected'])
    expect(await lab.oauth.status('notes')).toMatchObject({
      state: 'connected',
      issuer: issuer.issuer,
    })
  })

  it('keeps tokens, secrets and client sealed, and uses them after a restart', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    const text = JSON.stringify([...lab.documents.values()])
    expect(text).not.toMatch(/accessToken|clientId|refreshToken/)
    expect((await lab.restart().call()).status).toBe(200)
    expect(count(issuer, 'POST /reg')).toBe(1)
  })

  it('refreshes once for many calls at the same time, before the token ends', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    const before = count(issuer, 'POST /token')
    lab.clock.ms += 3_545_000
    const answers = await Promise.all(Array.from({ length: 20 }, () => lab.call()))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(count(issuer, 'POST /token') - before).toBe(1)
  })

  it('refreshes once on 401 for many calls, and asks for a login when that fails', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    await issuer.revokeGrants()
    const before = count(issuer, 'POST /token')
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => lab.call()))
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { server: 'notes' } })
    }
    expect(count(issuer, 'POST /token') - before).toBe(1)
    expect(await lab.logIn()).toMatchObject({ status: 200 })
    expect((await lab.call()).status).toBe(200)
  })

  it('keeps the login while its issuer cannot be reached', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    lab.clock.ms += 3_545_000
    issuer.loseTokens('requests', 2)
    expect((await lab.call()).status).toBe(200)
    // A pause after a failed renewal keeps the issuer from being asked at every call.
    const before = count(issuer, 'POST /token')
    expect((await lab.call()).status).toBe(200)
    expect(count(issuer, 'POST /token')).toBe(before)
    lab.clock.ms += 5_000
    expect((await lab.call()).status).toBe(200)
    expect(count(issuer, 'POST /token')).toBe(before + 1)
  })

  it('asks again at once when the answer to a refresh is lost', async () => {
    const { lab, issuer } = await start({ rotation: false })
    await lab.logIn()
    lab.clock.ms += 3_545_000
    issuer.loseTokens('answers', 1)
    expect((await lab.call()).status).toBe(200)
    expect(await lab.oauth.status('notes')).toMatchObject({ state: 'connected' })
  })

  it('asks for a login when the answer is lost and the issuer takes a second use for theft', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    lab.clock.ms += 3_545_000
    issuer.loseTokens('answers', 1)
    await expect(lab.call()).rejects.toThrow(/needs a login/)
    expect(await lab.logIn()).toMatchObject({ status: 200 })
  })

  it.each([
    ['forgives a second use', false, { state: 'connected' }],
    ['takes a second use for theft', true, { state: 'login-needed' }],
  ])(
    'refreshes at once after a crash between use and store, which an issuer that %s',
    async (_, rotation, state) => {
      const { lab, issuer } = await start({ rotation })
      await lab.logIn()
      lab.clock.ms += 3_545_000
      const crashed = new Error('crash')
      const put = lab.documents.set.bind(lab.documents)
      let writes = 0
      lab.documents.set = (key, value) => {
        writes += 1
        // The first write marks the grant, the second would have stored the new tokens.
        if (writes === 2) throw crashed
        return put(key, value)
      }
      await expect(lab.call()).rejects.toBe(crashed)
      lab.documents.set = put
      const after = lab.restart()
      const before = count(issuer, 'POST /token')
      await after.call().catch(() => {
        // Judged by the status below.
      })
      expect(count(issuer, 'POST /token')).toBe(before + 1)
      expect(await after.oauth.status('notes')).toMatchObject(state)
    },
  )

  it('keeps the login when the configured secret is wrong, and goes on once it is corrected', async () => {
    const auth = { clientId: 'by-hand', clientSecret: 'by-hand-secret' }
    const { lab } = await start({ auth })
    lab.urls.origin = 'https://one.example'
    await lab.logIn()
    lab.clock.ms += 3_600_000
    auth.clientSecret = 'mistyped'
    await expect(lab.restart().call()).rejects.toMatchObject({
      failure: 'grant-refused',
      hint: expect.stringContaining('Check "clientId" and "clientSecret"'),
    })
    auth.clientSecret = 'by-hand-secret'
    expect((await lab.restart().call()).status).toBe(200)
  })

  it('asks for the union of scopes when the server wants more', async () => {
    const { lab, server } = await start()
    await lab.logIn()
    server.scopes = ['mcp:write']
    const { location } = await lab.begin(await lab.linkOfCall())
    expect(new URL(location).searchParams.get('scope')?.split(' ')).toEqual(
      expect.arrayContaining(['mcp', 'mcp:write']),
    )
    await lab.logIn()
    await expect((await lab.call()).json()).resolves.toMatchObject({
      scopes: expect.arrayContaining(['mcp', 'mcp:write']),
    })
  })

  it('uses client credentials without anybody at a browser, encoded as RFC 6749 says', async () => {
    const { lab, issuer } = await start({
      auth: {
        grant: 'client_credentials',
        clientId: 'own name',
        clientSecret: 'a+secret/with:signs',
      },
    })
    expect((await lab.call()).status).toBe(200)
    lab.clock.ms += 3_545_000
    await Promise.all([lab.call(), lab.call(), lab.call()])
    expect(count(issuer, 'POST /token')).toBe(2)
  })

  it('registers anew when the issuer has forgotten the client', async () => {
    const { lab, issuer } = await start()
    const link = await lab.linkOfCall()
    const first = await lab.begin(link)
    const second = await lab.begin(link)
    const idOf = ({ location }: { location: string }) =>
      new URL(location).searchParams.get('client_id')
    expect(idOf(second)).not.toBe(idOf(first))
    expect(count(issuer, 'POST /reg')).toBe(2)
  })

  it('registers anew under a changed public URL, and says so', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    expect(await lab.oauth.redirectChanges()).toEqual([])
    lab.urls.origin = 'https://quiet-otter.example'
    expect((await lab.call()).status).toBe(200)
    expect(await lab.oauth.redirectChanges()).toEqual([
      expect.objectContaining({ server: 'notes', change: 'automatic' }),
    ])
    await lab.begin(lab.oauth.loginUrl('notes'))
    expect(count(issuer, 'POST /reg')).toBe(2)
  })

  it('names the redirect URI to enter by hand for a configured client', async () => {
    const { lab } = await start({ auth: { clientId: 'by-hand', clientSecret: 'by-hand-secret' } })
    lab.urls.origin = 'https://one.example'
    await lab.logIn()
    lab.urls.origin = 'https://two.example'
    expect(await lab.oauth.redirectChanges()).toEqual([
      expect.objectContaining({
        clientId: 'by-hand',
        redirectUri: 'https://two.example/api/oauth/callback',
        change: 'edit-by-hand',
      }),
    ])
  })

  it('says which redirect URI to register where the issuer registers nobody', async () => {
    const { lab } = await start({ registration: false })
    const ticket = new URL(await lab.linkOfCall()).searchParams.get('ticket') ?? ''
    expect(await lab.oauth.beginLogin({ server: 'notes', ticket })).toMatchObject({
      page: {
        failure: 'no-client',
        hint: expect.stringContaining('http://localhost:3001/api/oauth/callback'),
      },
    })
  })

  it('does not send a refresh token when the server names another issuer', async () => {
    const { lab, issuer, server } = await start()
    await lab.logIn()
    const other = closing(await startForeignIssuer())
    server.issuers = [other.issuer]
    await issuer.revokeGrants()
    const before = count(issuer, 'POST /token')
    const { location } = await lab.begin(await lab.linkOfCall())
    expect(new URL(location).origin).toBe(other.issuer)
    expect(count(issuer, 'POST /token')).toBe(before)
    expect(count(other, 'POST /token')).toBe(0)
  })

  it('gives configured credentials to no other issuer than the first', async () => {
    const { lab, server } = await start({
      auth: { clientId: 'by-hand', clientSecret: 'by-hand-secret' },
    })
    await lab.begin(await lab.linkOfCall())
    const other = closing(await startForeignIssuer())
    server.issuers = [other.issuer]
    await expect(lab.begin(await lab.linkOfCall())).rejects.toThrow(/was not used elsewhere/)
    expect(other.requests).toEqual([])
  })

  it('revokes and forgets', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    expect(await lab.oauth.disconnect('notes')).toBe(true)
    expect(count(issuer, 'POST /token/revocation')).toBe(1)
    expect(await lab.oauth.disconnect('notes')).toBe(false)
    await expect(lab.call()).rejects.toThrow(/needs a login/)
  })

  it('stays disconnected when a renewal was under way', async () => {
    const { lab, issuer } = await start()
    await lab.logIn()
    lab.clock.ms += 3_545_000
    let disconnected: Promise<boolean> | undefined
    issuer.requests.push = (request) => {
      if (request.includes('/.well-known/')) disconnected ??= lab.oauth.disconnect('notes')
      return Array.prototype.push.call(issuer.requests, request)
    }
    await lab.call().catch(() => {
      // What became of the call is not the question.
    })
    await disconnected
    expect(disconnected).toBeDefined()
    const grants = [...lab.documents.keys()].filter((key) => key.startsWith('oauth-grants'))
    expect(grants).toEqual([])
  })
})
