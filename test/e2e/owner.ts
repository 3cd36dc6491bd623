import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { ApprovalEvent, GatewayEvent } from '../../src/gateway-events.ts'

export const chromiumPath = '/usr/bin/chromium'

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Phone and desktop, in both colour schemes. */
const looks = (['light', 'dark'] as const).flatMap((colorScheme) => [
  { name: `phone-${colorScheme}`, colorScheme, width: 390, height: 844 },
  { name: `desktop-${colorScheme}`, colorScheme, width: 1280, height: 900 },
])

/** The person at the gateway's terminal, with a real Chromium. */
export interface Owner {
  /** Opens the address a client wanted opened, types the code of the terminal and allows. */
  allow(url: string, options?: { screenshots?: string }): Promise<Allowed>
  close(): Promise<void>
}

export interface Allowed {
  readonly approval: ApprovalEvent
  /** Where the browser was sent, and what the client answered there. */
  readonly callback: URL
  readonly callbackStatus: number
  /** Screenshots on which the page was wider than the screen. */
  readonly overflowing: readonly string[]
}

export interface OwnerOptions {
  readonly events: readonly GatewayEvent[]
  /** A local HTTPS gateway, whose certificate Chromium shall take because `caFile` vouches for it. */
  readonly https?: { readonly origin: string; readonly caFile: string }
}

export async function startOwner({ events, https }: OwnerOptions): Promise<Owner> {
  const args = [...flags]
  if (https) args.push(`--ignore-certificate-errors-spki-list=${await readKeyHash(https)}`)
  // Playwright gives every launch a new, empty profile.
  const browser = await chromium.launch({ executablePath: chromiumPath, args })
  return {
    allow: (url, options = {}) => allow(browser, { url, events, ...options }),
    close: () => browser.close(),
  }
}

async function allow(
  browser: Browser,
  options: { url: string; events: readonly GatewayEvent[]; screenshots?: string },
): Promise<Allowed> {
  const { url, events, screenshots } = options
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(url)
    const approval = approvalOf(page, events)
    const overflowing = screenshots === undefined ? [] : await shoot(page, screenshots)
    // A page of this machine waits for the key `y`, unless somebody wants to type.
    if (approval.local) await page.getByRole('link', { name: 'Type the code' }).click()
    await page.fill('#code', approval.code)
    const redirectUri = new URL(url).searchParams.get('redirect_uri') ?? ''
    const answered = page.waitForResponse((response) => response.url().startsWith(redirectUri))
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    const response = await answered
    const callback = new URL(response.url())
    return { approval, callback, callbackStatus: response.status(), overflowing }
  } finally {
    await context.close()
  }
}

/** What the terminal says about the interaction the page is about. */
function approvalOf(page: Page, events: readonly GatewayEvent[]): ApprovalEvent {
  const id = new URL(page.url()).pathname.split('/').at(-1)
  const found = events.find((one) => one.event === 'approval' && one.id === id)
  if (found?.event !== 'approval') throw new Error(`nothing to approve at ${page.url()}`)
  return found
}

async function shoot(page: Page, prefix: string): Promise<string[]> {
  await mkdir(join(prefix, '..'), { recursive: true })
  const overflowing: string[] = []
  for (const { name, colorScheme, ...viewport } of looks) {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: `${prefix}-${name}.png`, fullPage: true })
    // As a string: it is run in the page, whose types the tests do not know.
    const tooWide = await page.evaluate(
      'document.documentElement.scrollWidth > document.documentElement.clientWidth',
    )
    if (tooWide) overflowing.push(name)
  }
  return overflowing
}

/** The key of the certificate served there, in Chromium's form; the authority must vouch for it. */
async function readKeyHash({ origin, caFile }: { origin: string; caFile: string }) {
  const { hostname, port } = new URL(origin)
  const ca = await readFile(caFile)
  const socket = connect({ host: hostname, port: Number(port), servername: hostname, ca })
  await once(socket, 'secureConnect')
  const { publicKey } = new X509Certificate(socket.getPeerCertificate().raw)
  socket.destroy()
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}
