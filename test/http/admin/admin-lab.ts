import { request } from 'node:http'
import { readAdminAddress } from '../../../src/http/admin/admin-address.ts'
import { createAdminSessions } from '../../../src/http/admin/session.ts'
import { publicUrls } from '../../../src/origin/public-urls.ts'
import type { TestGateway } from '../../fixtures/gateway.ts'
import { bundlesBeside } from '../../gateway/trust-lab.ts'

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Sends exactly these headers: `fetch` would not let a test choose its Host. */
export function send(url: string, { method = 'GET', headers = {}, body }: Sent = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** What `sallyport admin` does beside a gateway, and what a browser then keeps. */
export async function openAdmin(gateway: TestGateway) {
  const beside = bundlesBeside(gateway)
  const sessions = createAdminSessions({ store: beside.store, now: Date.now })
  const address = await readAdminAddress(beside.store)
  const origin = address?.origin ?? ''
  const link = async () => publicUrls(origin).adminLogin((await sessions.issueLink()).secret)
  return {
    ...beside,
    origin,
    link,
    async signIn(): Promise<string> {
      return cookieOf(await send(await link()))
    },
  }
}

/** The cookie of an answer as a browser sends it back. */
export function cookieOf({ headers }: Answer): string {
  return (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? ''
}
