import { decodeJwt } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { type Browser, continueUrl, createBrowser, type Visit } from '../browser.ts'
import { type Lab, startLab } from '../lab.ts'
import { ask, discover, exchange } from '../oauth-flow.ts'
import { type Account, startSignInServer } from '../sign-in-server.ts'

const cleanup: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of cleanup.splice(0)) await close()
})

async function setup(options: { account?: Partial<Account>; allow?: string[] } = {}) {
  const account = {
    id: 7,
    login: 'alice',
    email: 'alice@example.com',
    verified: true,
    ...options.account,
  }
  const elsewhere = await startSignInServer(account)
  const common = { clientId: 'sallyport-client', clientSecret: 'secret', issuer: elsewhere.issuer }
  const lab = await startLab({
    signIn: {
      allow: options.allow ?? ['alice@example.com'],
      providers: [
        { ...common, name: 'github', label: 'GitHub', kind: 'github' },
        { ...common, name: 'company', label: 'Company', kind: 'oidc' },
      ],
    },
  })
  cleanup.push(() => lab.close(), elsewhere.close)
  const browser = createBrowser()
  const page = await browser.open((await ask(await discover(lab))).url)
  return { lab, browser, page, elsewhere, account }
}

/** Goes to the provider and brings back its answer, without opening it. */
async function signInElsewhere(page: { url: string }, browser: Browser, provider: string) {
  const { leftFor } = await browser.open(`${page.url}/sign-in/${provider}`)
  const answer = await fetch(String(leftFor), { redirect: 'manual' })
  return String(answer.headers.get('location'))
}

async function grantedBy(lab: Lab) {
  return (await lab.grants.list()).map(({ owner }) => owner)
}

describe('signing in instead of typing a code', () => {
  const good: [string, string, string, string][] = [
    ['GitHub, by login', 'github', 'github:alice', 'github:alice'],
    ['GitHub, by address', 'github', 'alice@example.com', 'github:alice'],
    ['an OpenID issuer, by domain', 'company', '@example.com', 'company:alice@example.com'],
  ]
  it.each(good)('works with %s', async (_, provider, allow, by) => {
    const { lab, browser, page } = await setup({ allow: [allow] })
    expect(page.text).toContain('Sign in with GitHub instead')
    const back = await browser.open(await signInElsewhere(page, browser, provider))
    expect(back.url).toBe(page.url)
    expect(back.text).toContain(`Confirmed by ${by}`)
    expect(await grantedBy(lab)).toEqual([])
    const answered = await browser.submit(page.url, { decision: 'allow' })
    expect((await browser.open(continueUrl(answered))).leftFor).toContain('code=')
    expect(await grantedBy(lab)).toEqual([by])
  })

  /** Who the tokens of a login are about, once `allowIt` has answered the page in the browser. */
  async function subjectOf(
    at: { lab: Lab; browser: Browser },
    allowIt: (page: Visit) => Promise<Visit>,
  ): Promise<unknown> {
    const found = await discover(at.lab)
    const asked = await ask(found)
    const answered = await allowIt(await at.browser.open(asked.url))
    const { leftFor } = await at.browser.open(continueUrl(answered))
    const tokens = await exchange(found, { callback: new URL(String(leftFor)), ...asked })
    return decodeJwt(tokens.access_token).sub
  }

  it('gives each person a subject of their own, in one browser after another', async () => {
    const { lab, account } = await setup({ allow: ['@example.com', 'github:alice', 'github:bob'] })
    const at = { lab, browser: createBrowser() }
    const signIn = (provider: string) => async (page: Visit) => {
      await at.browser.open(await signInElsewhere(page, at.browser, provider))
      return at.browser.submit(page.url, { decision: 'allow' })
    }
    const typeCode = (page: Visit) => {
      const code = String(lab.announcements.at(-1)?.code)
      return at.browser.submit(page.url, { decision: 'allow', code })
    }
    expect(await subjectOf(at, typeCode)).toBe('owner')
    expect(await subjectOf(at, signIn('github'))).toBe('github:7')
    // Another login of the same person, and the same login of another.
    Object.assign(account, { login: 'bob' })
    expect(await subjectOf(at, signIn('github'))).toBe('github:7')
    Object.assign(account, { id: 8 })
    expect(await subjectOf(at, signIn('github'))).toBe('github:8')
    expect(await subjectOf(at, signIn('company'))).toBe('company:8')
    expect(await subjectOf(at, typeCode)).toBe('owner')
  })

  it('remembers a browser for the owner of the terminal alone', async () => {
    const { lab, browser, page } = await setup()
    const { clientId } = lab.announcements.at(-1) ?? {}
    await browser.open(await signInElsewhere(page, browser, 'github'))
    const answered = await browser.submit(page.url, { decision: 'allow' })
    await browser.open(continueUrl(answered))
    const found = await discover(lab)
    const again = { ...found, client: { client_id: String(clientId) } }
    expect((await browser.open((await ask(again)).url)).text).toContain('Six-digit code')
  })

  const bad: [string, string, { account?: Partial<Account>; allow?: string[] }][] = [
    ['somebody who is not on the list', 'github', { allow: ['bob@example.com', 'github:bob'] }],
    ['an address nobody verified', 'company', { account: { verified: false } }],
    ['an address nobody verified at GitHub', 'github', { account: { verified: false } }],
    ['an ID token of another sign-in', 'company', { account: { nonce: 'another' } }],
    ['an ID token of another issuer', 'company', { account: { issuer: 'https://evil.example' } }],
  ]
  it.each(bad)('lets in nobody with %s', async (_, provider, options) => {
    const { lab, browser, page } = await setup(options)
    const back = await browser.open(await signInElsewhere(page, browser, provider))
    expect(back).toMatchObject({ status: 400 })
    expect((await browser.submit(page.url, { decision: 'allow' })).text).toContain('Six-digit code')
    expect(await grantedBy(lab)).toEqual([])
  })

  it('is not offered without a list', async () => {
    const { browser, page } = await setup({ allow: [] })
    expect(page.text).not.toContain('Sign in with')
    expect((await browser.open(`${page.url}/sign-in/github`)).status).toBe(400)
  })

  it('takes an answer once, and in the browser that began', async () => {
    const { lab, browser, page } = await setup()
    const answer = await signInElsewhere(page, browser, 'github')
    expect((await createBrowser().open(answer)).status).toBe(400)
    expect((await browser.open(answer)).text).toContain('Confirmed by')
    expect((await browser.open(answer)).text).not.toContain('Confirmed by')
    expect(lab.announcements).toHaveLength(1)
  })

  it('does not count for another request', async () => {
    const { lab, browser, page } = await setup()
    const answer = new URL(await signInElsewhere(page, browser, 'github'))
    const other = createBrowser()
    const victim = await other.open((await ask(await discover(lab))).url)
    const forged = `${victim.url}/signed-in${answer.search}`
    expect((await other.open(forged)).status).toBe(400)
    expect((await other.submit(victim.url, { decision: 'allow' })).text).toContain('Six-digit code')
  })

  const states = [
    '',
    'x',
    'signin.x.y',
    'signin..',
    `signin.${'a'.repeat(43)}.${'b'.repeat(43)}/../..`,
  ]
  it.each(states)('leaves the state %o to whoever it belongs to', async (state) => {
    const { lab } = await setup()
    const url = `${lab.public}/api/oauth/callback?code=x&state=${encodeURIComponent(state)}`
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(404)
  })

  it('says so when the provider cannot be reached', async () => {
    const { browser, page, elsewhere } = await setup()
    await elsewhere.close()
    expect(await browser.open(`${page.url}/sign-in/company`)).toMatchObject({ status: 400 })
  })
})
