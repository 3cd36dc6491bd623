import { describe, expect, it } from 'vitest'
import { createAdminSessions } from '../../../src/http/admin/session.ts'
import { startLocaltunnelServer } from '../../emulators/localtunnel-server.ts'
import { closeAfterEach, oneForAll } from '../../fixtures/cleanup.ts'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { startTunnelledGateway } from '../../fixtures/tunnelled-gateway.ts'
import { createPrivateCa, pem } from '../../gateway/trust-lab.ts'
import { createMemoryStore } from '../../oauth/memory-store.ts'
import { issueClientPair } from '../../tls/upstream/client-pair.ts'
import { cookieOf, openAdmin, type Sent, send } from './admin-lab.ts'

const closing = closeAfterEach()
const servers = { corp: { url: 'https://127.0.0.1:9/mcp' } }
const api = '/api/admin/servers/corp/ca'
const traffic = '/api/console/traffic'

async function start(config = {}) {
  return open(closing(await startTestGateway({ servers, config })))
}

async function open(gateway: TestGateway) {
  const admin = closing(await openAdmin(gateway))
  return { gateway, admin, origin: admin.origin }
}

const sharedGateway = oneForAll(() =>
  startTestGateway({ servers, config: { allowedHosts: ['allowed.example'] } }),
)
const shared = async () => open(await sharedGateway())

describe('the link to the admin page', () => {
  it('opens a session once, for the admin page alone, and is kept nowhere', async () => {
    const { admin } = await shared()
    const link = await admin.link()
    const answer = await send(link)
    expect(answer).toMatchObject({ status: 303, headers: { location: '/admin' } })
    expect(answer.headers['referrer-policy']).toBe('no-referrer')
    expect(answer.headers['cache-control']).toBe('no-store')
    const cookies = [answer.headers['set-cookie'] ?? []].flat()
    expect(cookies.map((cookie) => /Path=([^;]+)/.exec(cookie)?.[1])).toEqual([
      '/admin',
      '/api/admin',
    ])
    for (const cookie of cookies) {
      expect(cookie).toMatch(/Max-Age=43200.*HttpOnly.*SameSite=Strict/)
    }
    const cookie = cookieOf(answer)
    expect((await send(`${admin.origin}/admin`, { headers: { cookie } })).status).toBe(200)
    const kept = JSON.stringify(await admin.store.list('admin-sessions'))
    expect(kept).not.toContain(cookie.split('=')[1])
    expect(await admin.store.get('admin', 'link')).toBeUndefined()

    const again = await send(link)
    expect(again).toMatchObject({ status: 403, text: expect.stringContaining('sallyport admin') })
    expect(again.headers['set-cookie']).toBeUndefined()
  })

  it('is used up by one of several requests at the same time', async () => {
    const sessions = createAdminSessions({ store: createMemoryStore(), now: Date.now })
    const { secret } = await sessions.issueLink()
    const redeemed = await Promise.all([1, 2, 3].map(() => sessions.redeem(secret)))
    expect(redeemed.filter((cookie) => cookie !== undefined)).toHaveLength(1)
  })

  it.each([
    ['HEAD', { method: 'HEAD' }],
    ['a prefetch', { headers: { 'sec-purpose': 'prefetch' } }],
  ] as [string, Sent][])('is not used up by %s', async (_what, sent) => {
    const { admin } = await shared()
    const link = await admin.link()
    expect((await send(link, sent)).status).toBe(403)
    expect((await send(link)).status).toBe(303)
  })

  it.each([
    [
      'was replaced by a newer one',
      async (link: string, newer: () => Promise<string>) => {
        await newer()
        return link
      },
    ],
    ['is of another secret', async (link: string) => `${link.slice(0, -2)}xx`],
  ])('is over when it %s', async (_what, change) => {
    const { admin } = await shared()
    const answer = await send(await change(await admin.link(), admin.link))
    expect(answer).toMatchObject({ status: 403 })
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  it('is good for ten minutes, and its session for twelve hours', async () => {
    const clock = { ms: 0 }
    const sessions = createAdminSessions({
      store: createMemoryStore(() => clock.ms),
      now: () => clock.ms,
    })
    const { secret: late } = await sessions.issueLink()
    clock.ms += 600_000
    expect(await sessions.redeem(late)).toBeUndefined()
    const { secret } = await sessions.issueLink()
    clock.ms += 599_999
    const cookie = (await sessions.redeem(secret)) ?? ''
    clock.ms += 12 * 3_600_000 - 1
    expect(await sessions.verify(cookie)).toMatchObject({ id: expect.any(String) })
    clock.ms += 1
    expect(await sessions.verify(cookie)).toBeUndefined()
  })
})

describe('everything that is the owner’s alone', () => {
  const visit = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }

  it.each<[what: string, path: string, sent: Sent, status: number, code: string | undefined]>([
    ['a page with the cookie', '/admin', {}, 200, undefined],
    ['a page with a slash', '/admin/', {}, 200, undefined],
    ['the API with the cookie', api, {}, 404, 'NO_BUNDLE'],
    [
      'a typed address',
      '/admin',
      { headers: { 'sec-fetch-site': 'none', ...visit } },
      200,
      undefined,
    ],
    [
      'a link on another page',
      '/admin',
      { headers: { 'sec-fetch-site': 'same-site', ...visit } },
      200,
      undefined,
    ],
    ['no cookie', '/admin', { headers: { cookie: '' } }, 401, undefined],
    ['no cookie', api, { headers: { cookie: '' } }, 401, 'NO_SESSION'],
    ['no cookie, for traffic', traffic, { headers: { cookie: '' } }, 401, 'NO_SESSION'],
    ['traffic with the cookie', traffic, {}, 200, undefined],
    [
      'a foreign page that reads traffic',
      `${traffic}?follow=1`,
      { headers: { origin: 'http://localhost:8080' } },
      403,
      'FOREIGN_PAGE',
    ],
    [
      'traffic by a proxy',
      traffic,
      { headers: { 'x-forwarded-for': '203.0.113.7' } },
      403,
      'NOT_LOCAL',
    ],
    ['no cookie, for nothing', '/api/admin/none', { headers: { cookie: '' } }, 401, 'NO_SESSION'],
    ['a made-up cookie', api, { headers: { cookie: 'sallyport_admin_PORT=x' } }, 401, 'NO_SESSION'],
    [
      'no cookie, for a change',
      api,
      { method: 'DELETE', headers: { cookie: '' } },
      401,
      'NO_SESSION',
    ],
    [
      'a foreign page',
      api,
      { method: 'DELETE', headers: { origin: 'https://evil.example' } },
      403,
      'FOREIGN_PAGE',
    ],
    [
      'a page of another port',
      api,
      { method: 'DELETE', headers: { origin: 'http://localhost:8080' } },
      403,
      'FOREIGN_PAGE',
    ],
    [
      'our page under another name',
      api,
      { method: 'DELETE', headers: { origin: 'http://127.0.0.1:PORT' } },
      403,
      'FOREIGN_PAGE',
    ],
    [
      'a sandboxed page',
      api,
      { method: 'DELETE', headers: { origin: 'null' } },
      403,
      'FOREIGN_PAGE',
    ],
    [
      'a foreign page that reads',
      api,
      { headers: { origin: 'http://localhost:8080' } },
      403,
      'FOREIGN_PAGE',
    ],
    [
      'an image on a page of another port',
      api,
      {
        headers: {
          'sec-fetch-site': 'same-site',
          'sec-fetch-mode': 'no-cors',
          'sec-fetch-dest': 'image',
        },
      },
      403,
      'FOREIGN_PAGE',
    ],
    [
      'a frame on another page',
      '/admin',
      {
        headers: {
          'sec-fetch-site': 'cross-site',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'iframe',
        },
      },
      403,
      undefined,
    ],
    [
      'a form of a foreign page',
      '/admin/servers/corp/ca/remove',
      { method: 'POST', headers: { ...form, 'sec-fetch-site': 'cross-site', ...visit } },
      403,
      undefined,
    ],
    [
      'our own page',
      api,
      {
        method: 'DELETE',
        headers: { origin: 'http://localhost:PORT', 'sec-fetch-site': 'same-origin' },
      },
      404,
      'NO_BUNDLE',
    ],
    ['a Host we do not know', api, { headers: { host: 'evil.example' } }, 421, undefined],
    ['a Host that is allowed', api, { headers: { host: 'allowed.example' } }, 403, 'NOT_LOCAL'],
    ['a Host that is allowed', '/admin', { headers: { host: 'allowed.example' } }, 403, undefined],
    ['a proxy in front', api, { headers: { 'x-forwarded-for': '203.0.113.7' } }, 403, 'NOT_LOCAL'],
    [
      'a preflight',
      api,
      {
        method: 'OPTIONS',
        headers: {
          cookie: '',
          origin: 'http://localhost:8080',
          'access-control-request-method': 'PUT',
        },
      },
      403,
      'FOREIGN_PAGE',
    ],
    ['another method', api, { method: 'POST' }, 405, 'WRONG_METHOD'],
    ['what is not there', '/api/admin/nothing', {}, 404, 'NOT_FOUND'],
  ])('answers %s at %s as it should', async (_what, path, sent, status, code) => {
    const { admin, origin } = await shared()
    const cookie = await admin.signIn()
    const { port } = new URL(origin)
    const own = Object.entries({ cookie, ...sent.headers })
    const headers = Object.fromEntries(
      own.map(([name, value]) => [name, value.replace('PORT', port)]),
    )
    const answer = await send(`${origin}${path}`, { ...sent, headers })
    expect(answer.status).toBe(status)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    if (code !== undefined) {
      expect(JSON.parse(answer.text)).toMatchObject({
        code,
        error: expect.stringMatching(/\.$/),
        hint: expect.any(String),
      })
    }
  })

  it('is not answered through the tunnel, whatever the Host, the cookie and the link', async () => {
    const edge = closing(await startLocaltunnelServer())
    const tunnels = { localtunnel: { host: edge.host.origin, subdomain: undefined } }
    const gateway = closing(
      await startTunnelledGateway({ servers, order: ['localtunnel', 'local'], tunnels }),
    )
    const admin = closing(await openAdmin(gateway))
    const publicUrl = gateway.gateway.status().appUrl
    expect(admin.origin).toMatch(/^http:\/\/localhost:/)
    const link = await admin.link()
    const secret = new URL(link).pathname
    const cookie = await admin.signIn()
    for (const path of ['/admin', secret, api]) {
      const answer = await fetch(publicUrl + path, { headers: { cookie }, redirect: 'manual' })
      expect([path, answer.status]).toEqual([path, 403])
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(await answer.text()).not.toContain(secret)
    }
    const next = await admin.link()
    await fetch(publicUrl + new URL(next).pathname, { redirect: 'manual' })
    expect((await send(next)).status).toBe(303)
  })

  it('is not answered on a listener that the network reaches, and has no address then', async () => {
    const listen = { host: '0.0.0.0', httpPort: 0, httpsPort: 0, strictPort: false }
    const { gateway, admin } = await start({ listen })
    expect(admin.origin).toBe('')
    const { port } = new URL(gateway.url())
    for (const path of ['/admin', api]) {
      const answer = await send(`http://127.0.0.1:${port}${path}`)
      expect(answer.status).toBe(403)
    }
  })

  it('never shows a private key, nor keeps one that can be read', async () => {
    const { admin, origin } = await start()
    const [ca, clients] = [await createPrivateCa(), await createPrivateCa()]
    const { cert, key } = await issueClientPair(clients)
    const cookie = await admin.signIn()
    const body = JSON.stringify({
      ca_certificate: ca.certPem,
      client_certificate: cert,
      client_key: key,
    })
    const headers = { cookie, 'content-type': 'application/json' }
    const put = await send(origin + api, { method: 'PUT', headers, body })
    expect(put.status).toBe(200)
    const got = await send(origin + api, { headers: { cookie } })
    expect(JSON.parse(got.text).clientCertificate).toMatchObject({
      subject: expect.stringContaining('Ada Lovelace'),
    })
    const page = await send(`${origin}/admin`, { headers: { cookie } })
    const inner = key.split('\n')[1] ?? 'nothing'
    for (const text of [put.text, got.text, page.text]) {
      expect(text).not.toContain('PRIVATE KEY')
      expect(text).not.toContain(inner)
    }
    const [, payload = ''] = String(await admin.store.get('upstream-ca', 'corp')).split('.')
    const stored = Buffer.from(payload, 'base64url').toString()
    expect(stored).toContain('clientKey')
    expect(stored + JSON.stringify(await admin.bundles.describe('corp'))).not.toContain(inner)
  })
})

it('says in the audit which session changed a bundle, and from where', async () => {
  const { admin, origin } = await start()
  const ca = await createPrivateCa()
  const cookie = await admin.signIn()
  const form = new FormData()
  form.append('ca_certificate', new File([pem(ca.certPem).content], 'root.pem'))
  await fetch(origin + api, { method: 'PUT', headers: { cookie }, body: form })
  await send(origin + api, { method: 'DELETE', headers: { cookie } })
  const audit = await admin.bundles.audit('corp')
  expect(audit.map(({ action }) => action)).toEqual(['remove', 'replace'])
  for (const { by, from } of audit) {
    expect(by).toMatch(/^admin session [0-9a-f]{8}$/)
    expect(from).toMatch(/^(::1|127\.0\.0\.1|::ffff:127\.0\.0\.1)$/)
  }
})
