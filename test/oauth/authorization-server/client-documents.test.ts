import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { GuardedFetch } from '../../../src/lib/guarded-fetch.ts'
import {
  canFetchDocuments,
  createStrangersFetch,
} from '../../../src/oauth/authorization-server/client-documents.ts'
import { createBrowser } from '../browser.ts'
import { type Lab, startLab } from '../lab.ts'
import { allow, ask, call, type Discovered, discoverIssuer, exchange } from '../oauth-flow.ts'

const clientId = 'https://client.example/oauth/client.json'
const document = {
  client_id: clientId,
  client_name: 'Document client',
  redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'mcp profile',
}

let lab: Lab | undefined
afterEach(async () => {
  await lab?.close()
  lab = undefined
})

/** A lab where every metadata document is what `answer` says. */
async function setup(answer: GuardedFetch) {
  lab = await startLab({ documents: answer })
  const as = await discoverIssuer(lab.public)
  const found: Discovered = { as, client: { client_id: clientId }, resource: lab.mcp('work') }
  return { lab, found }
}

const serve =
  (value: unknown, init?: ResponseInit): GuardedFetch =>
  async () =>
    Response.json(value, init)

describe('a client that identifies itself by its metadata document', () => {
  it('is offered where documents can be fetched', async () => {
    const { found } = await setup(serve(document))
    expect(found.as.client_id_metadata_document_supported).toBe(true)
  })

  it('logs in with any loopback port, as Claude Code does', async () => {
    const { lab, found } = await setup(serve(document))
    const browser = createBrowser()
    const asked = await ask(found, { redirect_uri: 'http://localhost:51234/callback' })
    const page = await browser.open(asked.url)
    expect(page.text).toContain('Document client')
    expect(page.text).toContain(clientId)
    const callback = await allow(lab, page, browser)
    expect(callback).toMatch(/^http:\/\/localhost:51234\/callback\?code=/)
  })

  it('gets tokens for its own redirect URI', async () => {
    const { lab, found } = await setup(serve(document))
    const browser = createBrowser()
    const asked = await ask(found)
    const callback = new URL(await allow(lab, await browser.open(asked.url), browser))
    const tokens = await exchange(found, { callback, ...asked })
    expect((await call(found.resource, tokens.access_token)).status).toBe(200)
  })

  const { client_id: _, ...anonymous } = document
  const bad: [string, GuardedFetch][] = [
    ['names another client', serve({ ...document, client_id: `${clientId}?x` })],
    ['names no client', serve(anonymous)],
    ['is not found', serve({}, { status: 404 })],
    ['is a redirect', serve(document, { status: 302, headers: { location: 'http://127.0.0.1/' } })],
    ['is not JSON', async () => new Response('<html>')],
    ['is a list', serve([document])],
    ['is too large', serve({ ...document, client_name: 'x'.repeat(6_000) })],
    ['brings a shared secret', serve({ ...document, client_secret: 'x' })],
    [
      'wants a shared secret',
      serve({ ...document, token_endpoint_auth_method: 'client_secret_post' }),
    ],
    [
      'redirects to a script',
      serve({ ...document, redirect_uris: [...document.redirect_uris, 'javascript:1'] }),
    ],
    ['redirects to plain HTTP', serve({ ...document, redirect_uris: ['http://a.example/cb'] })],
    ['cannot be fetched', () => Promise.reject(new Error('refused'))],
  ]
  it.each(bad)('is refused when its document %s', async (_, answer) => {
    const { found, lab } = await setup(answer)
    const visit = await createBrowser().open((await ask(found)).url)
    expect(visit).toMatchObject({ status: 400, leftFor: undefined })
    expect(lab.announcements).toEqual([])
  })
})

describe('the documents that are fetched', () => {
  it('are bounded for each sender, far below the bound for all, and not for this machine', async () => {
    let fetched = 0
    const { lab, found } = await setup(async (url) => {
      fetched += 1
      return Response.json({ ...document, client_id: String(url) })
    })
    const open = async (times: number, address: string, as = found) => {
      const before = fetched
      for (let n = 0; n < times; n += 1) {
        const client = { client_id: `https://client.example/${address}/${n}` }
        const { url } = await ask({ ...as, client })
        await fetch(url, { headers: { 'x-test-client': address }, redirect: 'manual' })
      }
      return fetched - before
    }
    expect(await open(20, '203.0.113.1')).toBe(10)
    expect(await open(2, '203.0.113.2')).toBe(2)
    for (let n = 3; n < 10; n += 1) await open(10, `203.0.113.${n}`)
    expect(fetched).toBe(60)
    const as = await discoverIssuer(lab.local)
    expect(await open(2, '127.0.0.1', { ...found, as })).toBe(2)
  })
})

describe('the address of a metadata document', () => {
  const literals = [
    'https://127.0.0.1/c',
    'https://localhost/c',
    'https://x.localhost/c',
    'https://[::1]/c',
    'https://0.0.0.0/c',
    'https://2130706433/c',
    'https://0x7f.1/c',
    'https://127.1/c',
    'https://10.0.0.1/c',
    'https://172.16.0.1/c',
    'https://192.168.1.1/c',
    'https://100.64.0.1/c',
    'https://169.254.169.254/latest',
    'https://[fe80::1]/c',
    'https://[fd00::1]/c',
    'https://[::ffff:127.0.0.1]/c',
    'https://[64:ff9b::7f00:1]/c',
    'https://[2002:7f00:1::]/c',
    'http://example.com/c',
    'http://127.0.0.1/c',
    'https://user:secret@example.com/c',
    'ftp://example.com/c',
  ]
  it.each(literals)('is not contacted: %s', async (url) => {
    await expect(createStrangersFetch()(url)).rejects.toMatchObject({ failure: 'address-refused' })
  })

  it('is not contacted when its name leads inside, though it led elsewhere before', async () => {
    let connections = 0
    const inside = createServer((socket) => {
      connections += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve))
    const { port } = inside.address() as { port: number }
    const answers = [['127.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['::1'], ['169.254.169.254']]
    try {
      for (const addresses of answers) {
        const fetch = createStrangersFetch({
          resolve: async () =>
            addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        })
        await expect(fetch(`https://rebinding.example:${port}/c`)).rejects.toThrow()
      }
      expect(connections).toBe(0)
    } finally {
      inside.close()
    }
  })

  it('is not offered while the outside cannot be reached', async () => {
    expect(await canFetchDocuments(() => Promise.reject(new Error('offline')))).toBe(false)
    expect(await canFetchDocuments(async () => new Response('', { status: 404 }))).toBe(true)
  })
})
