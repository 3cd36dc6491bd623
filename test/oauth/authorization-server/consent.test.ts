import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { continueUrl, createBrowser } from '../browser.ts'
import { type Lab, startLab } from '../lab.ts'
import { ask, type Discovered, discover, register } from '../oauth-flow.ts'

let lab: Lab
let found: Discovered
beforeEach(async () => {
  lab = await startLab({ strictApprovals: true })
  found = await discover(lab)
})
afterEach(() => lab.close())

async function openPage() {
  const browser = createBrowser()
  const page = await browser.open((await ask(found)).url)
  const announced = lab.announcements.at(-1)
  if (!announced) throw new Error('nothing was announced')
  const wrong = announced.code === '000000' ? '000001' : '000000'
  const tryCode = (code: string) => browser.submit(page.url, { decision: 'allow', code })
  return { browser, page, announced, wrong, tryCode }
}

describe('the consent page', () => {
  it('says who asks for what, and where the answer goes', async () => {
    const { page, announced } = await openPage()
    for (const text of [
      'Test client',
      found.client.client_id,
      '127.0.0.1:7777 (the computer of this browser)',
      'http://127.0.0.1:7777/callback',
      'work',
      'notes: 2 tools',
      'write_note',
      announced.reference,
    ]) {
      expect(page.text).toContain(text)
    }
    expect(page.text).not.toContain(announced.code)
  })

  it('can neither run, load nor be framed, and stays in no cache', async () => {
    const { page } = await openPage()
    const policy = page.headers.get('content-security-policy') ?? ''
    for (const rule of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "form-action 'self'",
      "base-uri 'none'",
    ]) {
      expect(policy).toContain(rule)
    }
    expect(policy).not.toMatch(/unsafe|script-src|https?:/)
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.text).not.toMatch(/<script|<link|<img|@import|url\(/)
  })

  it('sends its errors under the same rules', async () => {
    const { headers, status } = await createBrowser().open(
      (await ask(found, { redirect_uri: 'https://evil.example/' })).url,
    )
    expect(status).toBe(400)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })

  it('shows what a stranger wrote as text', async () => {
    const client = await register(found.as, { client_name: '<script>alert(1)</script>"\'' })
    const page = await createBrowser().open((await ask({ ...found, client })).url)
    expect(page.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page.text).not.toContain('<script>')
  })

  it('takes control characters and length out of a name', async () => {
    const client_name = `\u001b[2J\u202eevil\n${'x'.repeat(200)}`
    const client = await register(found.as, { client_name })
    await createBrowser().open((await ask({ ...found, client })).url)
    expect(lab.announcements.at(-1)?.clientName).toMatch(/^\[2J evil x{70}…$/)
  })

  it('stands by what was decided when the button is pressed twice', async () => {
    const { announced, tryCode } = await openPage()
    const [first, second] = [await tryCode(announced.code), await tryCode(announced.code)]
    expect(continueUrl(second)).toBe(continueUrl(first))
    expect(await lab.grants.list()).toHaveLength(1)
  })

  it('tells the terminal who asks, once', async () => {
    const before = Date.now()
    const { browser, page, announced } = await openPage()
    await browser.open(page.url)
    expect(lab.announcements).toHaveLength(1)
    expect(announced).toMatchObject({
      code: expect.stringMatching(/^\d{6}$/),
      clientName: 'Test client',
      profile: 'work',
      origin: lab.public,
      redirectHost: '127.0.0.1:7777 (the computer of that browser)',
      from: '203.0.113.1, through the tunnel',
      local: false,
    })
    expect(announced.expiresAt).toBeGreaterThanOrEqual(before + 10 * 60_000)
  })

  it('exists only in the browser that began', async () => {
    const { page, announced } = await openPage()
    const other = createBrowser()
    expect((await other.open(page.url)).status).toBe(400)
    expect((await other.submit(page.url, { decision: 'allow', code: announced.code })).status).toBe(
      400,
    )
  })

  const origins = [['null'], ['http://127.0.0.1:9'], ['https://evil.example']]
  it.each(origins)('takes no form from a page of %s', async (origin) => {
    const { browser, page, announced } = await openPage()
    const form = { decision: 'allow', code: announced.code }
    const { status, text } = await browser.submit(page.url, form, { origin })
    expect([400, 403]).toContain(status)
    expect(text).not.toContain('Continue to')
  })
})

describe('a page on another port of this machine', () => {
  it('shares the cookie jar and passes the origin guard, and yet decides nothing', async () => {
    const guarded = await startLab({ auth: 'oauth' })
    try {
      const here = await discover(guarded, 'work', guarded.local)
      const browser = createBrowser()
      const page = await browser.open((await ask(here)).url)
      const form = { decision: 'allow', code: String(guarded.announcements.at(-1)?.code) }
      const origin = 'http://localhost:9999'
      expect((await browser.submit(page.url, form, { origin })).status).toBe(400)
      expect((await browser.submit(page.url, form)).status).toBe(200)
    } finally {
      await guarded.close()
    }
  })
})

describe('the proof of being the owner', () => {
  it('is the code, with or without a space in it', async () => {
    const { announced, tryCode } = await openPage()
    const code = `${announced.code.slice(0, 3)} ${announced.code.slice(3)}`
    expect(continueUrl(await tryCode(code))).toContain('/oauth/authorize/')
  })

  it('is refused for good by a no on the terminal', async () => {
    const { announced, tryCode } = await openPage()
    expect(lab.approvals.deny(announced.id)).toBe(true)
    expect((await tryCode(announced.code)).text).toContain('refused on the terminal')
  })

  it('is not the code of another request', async () => {
    const first = await openPage()
    const second = await openPage()
    if (first.announced.code === second.announced.code) return
    expect((await first.tryCode(second.announced.code)).text).toContain('4 tries are left')
  })

  it('fails for good after five wrong codes', async () => {
    const { announced, tryCode, wrong } = await openPage()
    for (const left of ['4 tries are', '3 tries are', '2 tries are', 'One try is']) {
      expect((await tryCode(wrong)).text).toContain(`${left} left`)
    }
    expect((await tryCode(wrong)).text).toContain('too many wrong codes')
    expect((await tryCode(announced.code)).text).toContain('too many wrong codes')
    expect(lab.approvals.approve(announced.id)).toBe(false)
  })

  it('counts codes that arrive at the same moment one by one', async () => {
    const { announced, tryCode, wrong } = await openPage()
    await Promise.all(Array.from({ length: 10 }, () => tryCode(wrong)))
    expect((await tryCode(announced.code)).text).toContain('too many wrong codes')
  })

  it('is over after ten minutes', async () => {
    const { announced, tryCode } = await openPage()
    lab.clock.ahead = 10 * 60_000
    expect((await tryCode(announced.code)).text).not.toContain('Continue to')
    expect(lab.approvals.approve(announced.id)).toBe(false)
  })
})
