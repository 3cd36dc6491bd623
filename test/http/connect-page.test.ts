import { existsSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isBrowserVisit } from '../../src/http/browser-requests.ts'
import { until } from '../cli/helpers.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'

const executablePath = '/usr/bin/chromium'
const hasChromium = existsSync(executablePath)
const chrome = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

describe('a visit', () => {
  it.each([
    [chrome, true],
    ['text/html', true],
    ['text/html, application/json;q=0.9', true],
    ['TEXT/HTML', true],
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['text/*', false],
    ['text/event-stream', false],
    ['application/json, text/event-stream', false],
    ['text/event-stream, text/html', false],
    ['text/html;q=0.1, application/json', false],
    ['application/json, text/html', false],
    ['text/html;q=0', false],
  ])('that accepts %j is of a browser: %s', (accept, expected) => {
    expect(isBrowserVisit((name) => (name === 'accept' ? accept : undefined))).toBe(expected)
  })

  it.each([
    'authorization',
    'mcp-session-id',
    'mcp-protocol-version',
    'mcp-method',
    'last-event-id',
  ])('with %s is of a client', (header) => {
    expect(
      isBrowserVisit((name) => (name === 'accept' ? chrome : name === header ? 'x' : undefined)),
    ).toBe(false)
  })
})

interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
}

function get(url: string, accept: string | undefined, method = 'GET'): Promise<Answer> {
  const headers = accept === undefined ? {} : { accept }
  return new Promise((resolve, reject) => {
    const options = { method, headers, rejectUnauthorized: false }
    const send = url.startsWith('https:') ? request : httpRequest
    const sent = send(url, options, (response) => {
      const answer = { status: response.statusCode ?? 0, headers: response.headers }
      if (response.headers['content-type']?.startsWith('text/event-stream')) {
        response.destroy()
        resolve({ ...answer, text: '' })
        return
      }
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ ...answer, text }))
    })
    sent.on('error', reject).end()
  })
}

describe('an endpoint that is opened in a browser', () => {
  let gateway: TestGateway
  let browser: Browser
  beforeAll(async () => {
    gateway = await startTestGateway({
      https: true,
      servers: { fixture: stdioFixture('legacy-stdio.ts') },
      profiles: {
        default: {},
        locked: { auth: 'oauth', description: 'Tools <for> the "team"' },
        keyed: { auth: 'key' },
      },
    })
    await until(() => gateway.gateway.status().profiles[0]?.tools, { what: 'its tools are known' })
    if (hasChromium) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser?.close()
    await gateway?.close()
  })

  it('shows a page with every way to connect, and the tools where anybody may see them', async () => {
    const { status, headers, text } = await get(gateway.url(), chrome)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      vary: expect.stringContaining('Accept'),
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
    })
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*script-src 'sha256-/)
    expect(text).toContain(gateway.url())
    for (const title of [
      'Claude Code',
      'Cursor',
      'VS Code',
      'Codex',
      'Gemini CLI',
      'Zed',
      'Goose',
    ]) {
      expect(text).toContain(`<summary>${title}</summary>`)
    }
    expect(text).toContain('href="cursor://anysphere.cursor-deeplink/mcp/install?')
    expect(text).toContain(`NODE_EXTRA_CA_CERTS=${gateway.gateway.status().caFile} claude`)
    expect(text).toContain('<code>echo</code>')
    expect(text).toMatch(/ChatGPT.*they call from elsewhere/)
    expect(text).not.toContain('<summary>ChatGPT</summary>')
  })

  it('names no tool of a profile that asks for a login, and escapes what people wrote', async () => {
    const { status, text } = await get(gateway.url('locked'), chrome)
    expect(status).toBe(200)
    expect(text).toContain('Tools &lt;for&gt; the &quot;team&quot;')
    expect(text).not.toContain('echo')
    expect(text).not.toContain('fixture')
  })

  it('names the variable for a key, and never a key', async () => {
    const { text } = await get(gateway.url('keyed'), chrome)
    expect(text).toContain('SALLYPORT_KEYED_KEY')
    expect(text).not.toContain('<summary>Zed</summary>')
    expect(text).not.toContain('echo')
  })

  it('answers HEAD like GET', async () => {
    const { status, headers, text } = await get(gateway.url(), chrome, 'HEAD')
    expect([status, headers['content-type'], text]).toEqual([200, 'text/html; charset=utf-8', ''])
  })

  it.each([
    ['text/event-stream', 'default', 400],
    ['*/*', 'default', 400],
    ['application/json, text/event-stream', 'default', 400],
    [undefined, 'default', 400],
    ['text/event-stream', 'locked', 401],
    ['*/*', 'locked', 401],
    [chrome, 'locked/info', 401],
    [chrome, 'unknown', 404],
  ])('leaves a GET that accepts %j at %s to the endpoint', async (accept, path, status) => {
    const url = gateway.url().replace(/default$/, path)
    const answer = await get(url, accept)
    expect(answer.headers['content-type']).not.toContain('text/html')
    expect(answer.status).toBe(status)
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer /)
  })

  describe.runIf(hasChromium)('in Chromium', () => {
    it.each([
      { name: 'phone-light', width: 360, colorScheme: 'light' as const },
      { name: 'phone-dark', width: 360, colorScheme: 'dark' as const },
      { name: 'desktop-light', width: 1100, colorScheme: 'light' as const },
      { name: 'desktop-dark', width: 1100, colorScheme: 'dark' as const },
    ])(
      'fits, copies, and needs nothing from elsewhere: $name',
      async ({ name, width, colorScheme }) => {
        const context = await browser.newContext({
          ignoreHTTPSErrors: true,
          viewport: { width, height: 800 },
          colorScheme,
          permissions: ['clipboard-read', 'clipboard-write'],
        })
        const page = await context.newPage()
        const complaints: string[] = []
        page.on('console', (message) => complaints.push(message.text()))
        page.on('pageerror', (error) => complaints.push(error.message))
        await page.goto(gateway.url())
        await page
          .getByRole('group')
          .filter({ hasText: 'Cursor' })
          .first()
          .locator('summary')
          .click()
        await page.getByRole('link', { name: 'Add to Cursor' }).waitFor()
        await page.screenshot({
          path: join('test-results', 'connect-page', `${name}.png`),
          fullPage: true,
        })
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        expect(overflow).toBe(0)
        await page.locator('button[data-copy=cursor-snippet]').click()
        await page.getByText('Copied').waitFor()
        const copied = await page.evaluate('navigator.clipboard.readText()')
        expect(JSON.parse(String(copied))).toHaveProperty('mcpServers.sallyport.url', gateway.url())
        expect(complaints).toEqual([])
        await context.close()
      },
    )

    it('shows everything but the copy buttons without script', async () => {
      const page = await browser.newPage({ ignoreHTTPSErrors: true, javaScriptEnabled: false })
      await page.goto(gateway.url())
      expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0)
      await page.locator('#claude-code-snippet').waitFor()
      await page.close()
    })
  })
})
