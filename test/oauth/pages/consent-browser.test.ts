import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lab, startLab } from '../lab.ts'
import { ask, type Discovered, discover, register } from '../oauth-flow.ts'

const executablePath = '/usr/bin/chromium'
const screenshots = join('test-results', 'oauth-pages')

// The system's browser; a machine without it runs everything else.
describe.skipIf(!existsSync(executablePath))('the pages in Chromium', () => {
  let lab: Lab
  let browser: Browser
  let client: Server
  let found: Discovered
  let redirect_uri: string

  beforeAll(async () => {
    const github = {
      name: 'github',
      label: 'GitHub',
      kind: 'github' as const,
      issuer: 'https://github.com/login/oauth',
    }
    lab = await startLab({
      auth: 'oauth',
      signIn: {
        allow: ['github:alice'],
        providers: [{ ...github, clientId: 'x', clientSecret: 'x' }],
      },
    })
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    client = createServer((_, response) => {
      // A client's own page sends the browser on, as claude.ai does, which `form-action` may not stop.
      response.writeHead(302, { location: 'data:text/plain,done' }).end()
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => client.once('listening', resolve))
    redirect_uri = `http://127.0.0.1:${(client.address() as AddressInfo).port}/callback`
    found = await discover(lab)
    const registered = await register(found.as, {
      client_name: 'Claude Code',
      redirect_uris: [redirect_uri],
    })
    found = { ...found, client: registered }
  })
  afterAll(async () => {
    await browser?.close()
    client?.close()
    await lab?.close()
  })

  async function openConsent(options: Parameters<Browser['newContext']>[0]) {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('requestfailed', (request) => complaints.push(request.url()))
    await page.goto((await ask(found, { redirect_uri, scope: 'mcp write' })).url)
    return { page, complaints }
  }

  const shoot = (page: Page, name: string) =>
    page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })

  const looks = [
    { name: 'phone-light', viewport: { width: 360, height: 740 }, colorScheme: 'light' as const },
    { name: 'phone-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const },
    {
      name: 'desktop-light',
      viewport: { width: 1100, height: 900 },
      colorScheme: 'light' as const,
    },
    { name: 'desktop-dark', viewport: { width: 1100, height: 900 }, colorScheme: 'dark' as const },
  ]
  it.each(looks)('fit and need nothing from elsewhere: $name', async ({ name, ...look }) => {
    const { page, complaints } = await openConsent(look)
    await shoot(page, `consent-${name}`)
    // As a string: it is run in the page, whose types the tests do not know.
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    expect(overflow).toBe(0)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('lead the owner from a wrong code to the client, without script', async () => {
    const { page } = await openConsent({
      javaScriptEnabled: false,
      viewport: { width: 360, height: 740 },
    })
    const code = lab.announcements.at(-1)?.code ?? ''
    await page.fill('#code', code === '111111' ? '222222' : '111111')
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByRole('alert').waitFor()
    await shoot(page, 'consent-wrong-code')
    await page.fill('#code', code)
    const answered = page.waitForRequest((request) => request.url().startsWith(redirect_uri))
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    expect(new URL((await answered).url()).searchParams.get('code')).toBeTruthy()
    await page.context().close()
  })

  it('go on by themselves, without script, once a key on the terminal has allowed them', async () => {
    const local = await discover(lab, 'work', lab.local)
    const registered = await register(local.as, { redirect_uris: [redirect_uri] })
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto((await ask({ ...local, client: registered }, { redirect_uri })).url)
    const { id, reference } = lab.announcements.at(-1) ?? {}
    expect(await page.textContent('.reference')).toBe(reference)
    await shoot(page, 'consent-waits-for-key')
    const answered = page.waitForRequest((request) => request.url().startsWith(redirect_uri))
    expect(lab.approvals.approve(String(id))).toBe(true)
    expect(new URL((await answered).url()).searchParams.get('code')).toBeTruthy()
    await context.close()
  })

  it('tell the client when the owner does not allow it', async () => {
    const { page } = await openConsent({})
    const answered = page.waitForRequest((request) => request.url().startsWith(redirect_uri))
    await page.getByRole('button', { name: 'Do not allow' }).click()
    expect(new URL((await answered).url()).searchParams.get('error')).toBe('access_denied')
    await page.context().close()
  })

  it('cannot be put into a frame', async () => {
    const { page } = await openConsent({})
    const url = page.url()
    await page.goto(`${lab.public}/.well-known/oauth-authorization-server`)
    await page.setContent(`<iframe src="${url}"></iframe>`)
    await page.waitForTimeout(500)
    const frame = page.frames()[1]
    expect(await frame?.content().catch(() => '')).not.toContain('Six-digit code')
    await page.context().close()
  })

  it('say what is wrong with a request that cannot be answered', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
    await page.goto((await ask(found, { redirect_uri: 'https://evil.example/cb' })).url)
    await shoot(page, 'error')
    expect(await page.textContent('h1')).toBe('This request cannot be answered')
    await page.close()
  })
})
