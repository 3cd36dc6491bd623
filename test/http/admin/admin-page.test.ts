import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../../fixtures/gateway.ts'
import { byTest, createPrivateCa, pem } from '../../gateway/trust-lab.ts'
import { openAdmin } from './admin-lab.ts'

const executablePath = '/usr/bin/chromium'
const screenshots = join('test-results', 'admin-page')

// The system's browser; a machine without it runs everything else.
describe.skipIf(!existsSync(executablePath))('the admin page in Chromium', () => {
  let gateway: TestGateway
  let admin: Awaited<ReturnType<typeof openAdmin>>
  let browser: Browser

  beforeAll(async () => {
    gateway = await startTestGateway({
      servers: {
        corp: { url: 'https://mcp.corp.invalid/mcp' },
        'a.long-name_with-everything': {
          url: 'https://127.0.0.1:9/a/long/path/that/goes/on?and=on',
          tls: { insecureSkipVerify: true },
        },
        tool: stdioFixture('legacy-stdio.ts'),
      },
    })
    admin = await openAdmin(gateway)
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  // Each test finds what the first did: nothing is kept.
  afterEach(async () => {
    for (const { server } of await admin.bundles.list()) await admin.bundles.remove(server, byTest)
  })
  afterAll(async () => {
    await browser?.close()
    await admin?.close()
    await gateway?.close()
  })

  async function open(options: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext({ javaScriptEnabled: false, ...options })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('requestfailed', (request) => complaints.push(request.url()))
    await page.goto(await admin.link())
    return { page, complaints }
  }

  const shoot = (page: Page, name: string) =>
    page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
  const section = (page: Page, name: string) => page.locator(`[id="server-${name}"]`)

  it('uploads, refuses, replaces and removes without script', async () => {
    const { page } = await open()
    expect(page.url()).toBe(`${admin.origin}/admin`)
    expect(await page.locator('section').count()).toBe(2)
    const [one, two] = [await createPrivateCa(), await createPrivateCa()]
    const leaf = (await one.issue(['127.0.0.1'])).cert
    const corp = section(page, 'corp')
    const files = (...contents: string[]) =>
      contents.map((text, index) => {
        const { content: buffer } = pem(text)
        return { name: `file-${index + 1}.pem`, mimeType: 'application/x-pem-file', buffer }
      })
    const upload = async (...contents: string[]) => {
      await corp.locator('input[name=ca_certificate]').setInputFiles(files(...contents))
      await corp.getByRole('button', { name: 'Upload' }).click()
    }

    await upload(one.certPem, leaf)
    await page.getByRole('alert').waitFor()
    expect(await page.textContent('main')).toContain('not-a-ca')
    await shoot(page, 'refused')
    expect(await admin.bundles.list()).toEqual([])

    await upload(one.certPem, two.certPem)
    await page.waitForURL(`${admin.origin}/admin#server-corp`)
    expect(await corp.locator('dt').allTextContents()).toEqual(['Root', 'Root', 'Bundle'])
    await shoot(page, 'two-roots')
    await upload(two.certPem)
    expect(await corp.locator('dt').allTextContents()).toEqual(['Root', 'Bundle'])

    await corp.getByText('Remove the bundle', { exact: true }).click()
    await corp.getByRole('button', { name: 'Remove the bundle of corp' }).click()
    expect(await corp.textContent()).toContain('no bundle of its own')
    expect(await admin.bundles.describe('corp')).toBeUndefined()
    await page.context().close()
  })

  const looks = [
    { name: 'phone-light', viewport: { width: 360, height: 740 }, colorScheme: 'light' as const },
    { name: 'phone-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const },
    { name: 'desktop-dark', viewport: { width: 1100, height: 900 }, colorScheme: 'dark' as const },
  ]
  it.each(looks)('fits and needs nothing from elsewhere: $name', async ({ name, ...look }) => {
    const { certPem } = await createPrivateCa()
    await admin.bundles.replace('corp', [pem(certPem)], { by: 'ada', from: 'cli' })
    const { page, complaints } = await open({ javaScriptEnabled: true, ...look })
    await shoot(page, name)
    // As a string: it is run in the page, whose types the tests do not know.
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    expect(overflow).toBe(0)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('takes a file that is dropped on the field', async () => {
    const { page } = await open({ viewport: { width: 1100, height: 1600 } })
    const { certPem } = await createPrivateCa()
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-drop-'))
    const file = join(folder, 'dropped.pem')
    await writeFile(file, certPem)
    const field = section(page, 'corp').locator('input[name=ca_certificate]')
    const box = await field.boundingBox()
    if (!box) throw new Error('the field is not shown')
    // Playwright drops no files of the system; the browser's own protocol does.
    const devtools = await page.context().newCDPSession(page)
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await devtools.send('Input.dispatchDragEvent', {
        type,
        x: box.x + box.width / 2,
        y: box.y + box.height / 2,
        data: { items: [], files: [file], dragOperationsMask: 1 },
      })
    }
    await section(page, 'corp').getByRole('button', { name: 'Upload' }).click()
    await page.waitForURL(/#server-corp$/)
    expect((await admin.bundles.read('corp'))?.ca[0]?.trim()).toBe(certPem.trim())
    await page.context().close()
    await rm(folder, { recursive: true })
  })

  it('does nothing for the form of another page of this machine', async () => {
    const { page } = await open()
    const { certPem } = await createPrivateCa()
    await admin.bundles.replace('corp', [pem(certPem)], { by: 'ada', from: 'cli' })
    const other = createServer((_, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(
        `<form method="post" action="${admin.origin}/admin/servers/corp/ca/remove"><button>Win</button></form>`,
      )
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    await page.goto(`http://localhost:${(other.address() as AddressInfo).port}/`)
    await page.getByRole('button', { name: 'Win' }).click()
    await page.getByText('Another page sent this request').waitFor()
    expect(await admin.bundles.describe('corp')).toMatchObject({ state: 'good' })
    await page.context().close()
    other.closeAllConnections()
    other.close()
  })
})
