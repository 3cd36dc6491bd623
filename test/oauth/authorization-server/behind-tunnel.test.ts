import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConsentExchange } from '../../../src/oauth/authorization-server/consent.ts'
import { type Lab, startLab } from '../lab.ts'
import { ask, redirectUri, register } from '../oauth-flow.ts'

const origin = 'https://quiet-otter.example'
const resource = `${origin}/api/mcp/work`

/** A tunnel ends TLS, so requests for an HTTPS origin arrive over plain HTTP, with any Host. */
let lab: Lab
let server: Server
let local: string
let continueAt: string | undefined
beforeAll(async () => {
  lab = await startLab()
  server = createServer((incoming, outgoing) => {
    const sender = { key: 'x', isLocal: false, words: 'elsewhere' }
    const request = { incoming, outgoing, sender }
    const interaction = /^\/oauth\/consent\/(.+)$/.exec(String(incoming.url))?.[1]
    if (interaction === undefined) void lab.servers.handle(origin, request)
    else void allow({ ...request, interaction })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.close()
  await lab.close()
})

/** The consent page's answer with the code of the terminal, once it was announced. */
async function allow(exchange: ConsentExchange): Promise<void> {
  const code = lab.announcements.at(-1)?.code ?? ''
  const view = await lab.servers.consent(origin).answer(exchange, { allow: true, code })
  exchange.outgoing.end()
  if (view.kind === 'continue') continueAt = new URL(view.url).pathname
}

/** Sends exactly this request target. */
function get(
  path: string,
  cookie = '',
): Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]> }> {
  const { hostname, port } = new URL(local)
  return new Promise((resolve, reject) => {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', cookie }
    request({ hostname, port, path, headers }, (response) => {
      response.resume()
      resolve({ status: response.statusCode, headers: response.headers })
    })
      .on('error', reject)
      .end()
  })
}

describe('an HTTPS origin behind a tunnel', () => {
  it('is what every address of the metadata begins with', async () => {
    const url = `${local}/.well-known/oauth-authorization-server`
    const metadata = (await (await fetch(url)).json()) as Record<string, unknown>
    expect(metadata.issuer).toBe(origin)
    for (const [name, value] of Object.entries(metadata)) {
      if (/_endpoint$|_uri$/.test(name))
        expect(String(value).startsWith(`${origin}/oauth/`)).toBe(true)
    }
  })

  it('has secure cookies, and stays on its own host whatever the request target says', async () => {
    const as = {
      issuer: origin,
      registration_endpoint: `${local}/oauth/register`,
      authorization_endpoint: `${origin}/oauth/authorize`,
    }
    const found = { as, client: await register(as), resource }
    const { pathname, search } = new URL((await ask(found, { redirect_uri: redirectUri })).url)
    for (const target of [pathname + search, `http://evil.example${pathname}${search}`]) {
      const { status, headers } = await get(target)
      expect(status).toBe(303)
      expect(headers.location).toMatch(/^\/oauth\/consent\//)
      const cookies = [headers['set-cookie']].flat().join('\n')
      expect(cookies).toContain('__Secure-sallyport_https_interaction=')
      for (const cookie of cookies.split('\n')) expect(cookie).toMatch(/secure; httponly/i)
      expect(cookies).not.toContain('evil.example')
    }
  })
  it('keeps its session in a cookie that no neighbour can set', async () => {
    const as = {
      issuer: origin,
      registration_endpoint: `${local}/oauth/register`,
      authorization_endpoint: `${origin}/oauth/authorize`,
    }
    const asked = await ask({ as, client: await register(as), resource })
    const { pathname, search } = new URL(asked.url)
    const begun = await get(pathname + search)
    const cookie = cookiesOf(begun)
      .map((line) => line.split(';')[0])
      .join('; ')
    for (let n = 0; n < 2; n += 1) await get(String(begun.headers.location), cookie)
    const answer = await get(String(continueAt), cookie)
    expect(answer.headers.location).toContain('code=')
    const sessions = cookiesOf(answer).filter((line) => line.includes('_session'))
    expect(sessions).toHaveLength(2)
    for (const line of sessions) {
      // RFC 6265bis 4.1.3.2: without a domain, for the whole host, over HTTPS.
      expect(line).toMatch(
        /^__Host-sallyport_https_session(\.sig)?=.*; path=\/;.*; secure; httponly/i,
      )
      expect(line).not.toMatch(/domain=/i)
    }
  })
})

function cookiesOf({ headers }: { headers: NodeJS.Dict<string | string[]> }): string[] {
  return [headers['set-cookie'] ?? []].flat()
}
