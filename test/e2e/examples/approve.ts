import type { GatewayEvent } from '../../../src/gateway-events.ts'
import { continueUrl, createBrowser } from '../../oauth/browser.ts'

/**
 * The owner at the browser, without one: opens the address a program wanted opened, types the code
 * of the terminal, and goes on to where the program waits.
 */
export async function approve(url: string, events: readonly GatewayEvent[]): Promise<void> {
  const browser = createBrowser()
  const page = await browser.open(url)
  const id = new URL(page.url).pathname.split('/').at(-1)
  const approval = events.find((one) => one.event === 'approval' && one.id === id)
  if (approval?.event !== 'approval') throw new Error(`nothing to approve: ${page.text}`)
  const answered = await browser.submit(page.url, { decision: 'allow', code: approval.code })
  const { leftFor } = await browser.open(continueUrl(answered))
  if (!leftFor) throw new Error('the browser was not sent back to the program')
  await fetch(leftFor)
}
