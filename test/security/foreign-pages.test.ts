import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  const config = { allowedOrigins: ['https://tools.example'] }
  gateway = await startTestGateway({ servers: {}, config })
})
afterAll(() => gateway.close())

/** The status, as soon as it is there: what was opened is closed again. */
function statusOf(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  const { origin } = new URL(gateway.url())
  return new Promise((resolve, reject) => {
    const sent = request(origin + path, { method, headers }, (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    sent.on('error', reject).end(method === 'POST' ? initialize : undefined)
  })
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'page', version: '1' },
  },
})
const mcp = '/api/mcp/default'
const html = 'text/html,application/xhtml+xml,*/*;q=0.8'
const rpc = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
const fetched = (site: string, mode: string, dest = 'empty') => ({
  'sec-fetch-site': site,
  'sec-fetch-mode': mode,
  'sec-fetch-dest': dest,
})
const visit = (site: string) => ({ ...fetched(site, 'navigate', 'document'), accept: html })

const paths = [
  mcp,
  `${mcp}/sse`,
  `${mcp}/info`,
  '/health',
  '/ready',
  '/api/profiles',
  '/api/proof/1',
  '/api/probe/stream/1',
  '/oauth/authorize',
  '/oauth/jwks',
  '/oauth/consent/1',
  '/api/oauth/callback',
  '/api/oauth/login/one',
  '/api/oauth/client-metadata.json',
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-protected-resource',
  '/admin',
  '/api/admin/servers/one/ca',
  '/nothing',
]

describe('a page of another site', () => {
  const ways: [what: string, headers: Record<string, string>][] = [
    ['fetch without CORS', fetched('cross-site', 'no-cors')],
    ['fetch without CORS, from another port of this machine', fetched('same-site', 'no-cors')],
    ['an image', fetched('cross-site', 'no-cors', 'image')],
    ['a script', fetched('cross-site', 'no-cors', 'script')],
    ['a frame', { ...fetched('cross-site', 'navigate', 'iframe'), accept: html }],
    ['an embedded object', { ...fetched('cross-site', 'navigate', 'object'), accept: html }],
    ['a fetch that names its origin', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null', ...fetched('cross-site', 'cors') }],
  ]
  it.each(ways)('gets nothing of any address by %s', async (_, headers) => {
    const answers = await Promise.all(paths.map((path) => statusOf(path, headers)))
    expect(answers).toEqual(paths.map(() => 403))
  })

  it('sends no form, wherever it says it comes from', async () => {
    for (const site of ['cross-site', 'same-site', 'none']) {
      expect(await statusOf(mcp, { ...rpc, ...visit(site) }, 'POST')).toBe(403)
    }
  })

  it('leads people to pages, and opens no stream by that', async () => {
    for (const site of ['cross-site', 'same-site', 'none']) {
      expect(await statusOf(mcp, visit(site))).toBe(200)
      expect(await statusOf('/api/oauth/callback?code=1&state=1', visit(site))).toBe(400)
      expect(await statusOf('/oauth/consent/1', visit(site))).toBe(400)
      expect(await statusOf('/oauth/authorize', visit(site))).toBe(400)
      expect(await statusOf('/health', visit(site))).toBe(200)
      expect(await statusOf(`${mcp}/sse`, visit(site))).toBe(406)
    }
  })
})

describe('those who may', () => {
  it.each<[what: string, headers: Record<string, string>]>([
    ['a program', {}],
    ['an allowed page', { origin: 'https://tools.example', ...fetched('cross-site', 'cors') }],
    [
      'a tool on another port of this machine',
      { origin: 'http://localhost:6274', ...fetched('same-site', 'cors') },
    ],
    ['a page of ours', fetched('same-origin', 'cors')],
  ])('call and open streams: %s', async (_, headers) => {
    expect(await statusOf(mcp, { ...rpc, ...headers }, 'POST')).toBe(200)
    expect(await statusOf(`${mcp}/sse`, { accept: 'text/event-stream', ...headers })).toBe(200)
    expect(await statusOf('/health', headers)).toBe(200)
  })
})
