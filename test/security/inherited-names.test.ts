import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveTestFile, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'

const names = [...Object.getOwnPropertyNames(Object.prototype), 'prototype', 'name', 'length']

let gateway: TestGateway
let upstream: RecordingUpstream
let origin: string
beforeAll(async () => {
  upstream = await startRecordingUpstream({
    'tools/list': { tools: [{ name: 'look', inputSchema: { type: 'object' } }] },
  })
  gateway = await startTestGateway({ servers: { one: { url: upstream.url } } })
  origin = new URL(gateway.url()).origin
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const rpc = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }

async function answerOf(path: string, init: RequestInit = {}) {
  const response = await fetch(origin + path, { redirect: 'manual', ...init })
  return { status: response.status, text: await response.text() }
}

/** Every address with a name in it, and what it answers for one that is nobody's. */
const routes: [path: string, init: RequestInit, status: number][] = [
  ['/api/mcp/:name', {}, 404],
  ['/api/mcp/:name', { headers: { accept: 'text/html' } }, 404],
  ['/api/mcp/:name', { method: 'POST', headers: rpc, body: '{"jsonrpc":"2.0"}' }, 404],
  ['/api/mcp/:name', { method: 'DELETE' }, 404],
  ['/api/mcp/:name/info', {}, 404],
  ['/api/mcp/:name/sse', {}, 404],
  ['/api/mcp/:name/messages', { method: 'POST', headers: rpc, body: '{}' }, 404],
  ['/api/mcp/default/messages?sessionId=:name', { method: 'POST', headers: rpc, body: '{}' }, 400],
  ['/.well-known/oauth-protected-resource/api/mcp/:name', {}, 404],
  ['/.well-known/:name', {}, 404],
  ['/oauth/:name', {}, 404],
  ['/oauth/authorize/:name', {}, 400],
  ['/oauth/authorize?client_id=:name', {}, 400],
  ['/oauth/consent/:name', {}, 400],
  ['/oauth/consent/:name/sign-in/:name', {}, 400],
  ['/oauth/consent/:name/signed-in', {}, 400],
  ['/api/oauth/login/:name?ticket=:name', {}, 403],
  ['/api/oauth/callback?state=:name&error=:name', {}, 400],
  ['/api/probe/stream/:name', {}, 404],
  ['/api/proof/:name', {}, 200],
  ['/api/admin/servers/:name/ca', {}, 401],
  ['/admin/login/:name', {}, 403],
  ['/:name', {}, 404],
]

describe.each(routes)('%s', (path, init, status) => {
  it('takes no name for anything that every object has', async () => {
    const seen = new Map<string, number>()
    for (const name of names) {
      const answer = await answerOf(path.replaceAll(':name', name), init)
      seen.set(name, answer.status)
      expect(answer.text).not.toMatch(/native code|\[object|Internal error/)
    }
    expect([...seen]).toEqual(names.map((name) => [name, status]))
  })
})

describe('a 2026-07-28 call', () => {
  it.each(['roots', 'sampling', 'elicitation'])(
    'may declare any names in %s',
    async (capability) => {
      for (const name of names) {
        const _meta = {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': JSON.parse(
            `{"${capability}":{"${name}":{}}}`,
          ),
        }
        const params = { name: 'look', _meta }
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
        const headers = {
          ...rpc,
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'look',
        }
        const answer = await answerOf('/api/mcp/default', { method: 'POST', headers, body })
        expect([name, answer.status < 500, answer.text]).toEqual([
          name,
          true,
          expect.not.stringContaining('-32603'),
        ])
      }
    },
  )
})

describe('a profile and a server', () => {
  it('may be called constructor, come and go', async () => {
    const { servers } = gateway.config
    const sketches = { servers: { one: { url: upstream.url } }, profiles: { constructor: {} } }
    const named = resolveTestFile(gateway.config, sketches)
    await gateway.gateway.applyFile(named)
    expect((await answerOf('/api/mcp/constructor/info')).status).toBe(200)
    await gateway.gateway.applyFile({ ...named, servers, profiles: gateway.config.profiles })
    expect((await answerOf('/api/mcp/constructor/info')).status).toBe(404)
  })
})
