import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../cli/helpers.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({ servers: { one: stdioFixture('legacy-stdio.ts') } })
  await until(() => gateway.gateway.status().profiles[0]?.tools, { what: 'its tools are known' })
})
afterAll(() => gateway.close())

const both = 'application/json, text/event-stream'
const initialize = {
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'test', version: '1' },
  },
}

function post(message: object, headers: Record<string, string> = {}) {
  return fetch(gateway.url(), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
  })
}

/** A request of that era, with this Accept. */
async function ask(era: string, accept: string, method: string, params: object): Promise<Response> {
  if (era === '2026-07-28') {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': era,
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const name = (params as { name?: string }).name
    const repeated = { 'mcp-method': method, ...(name !== undefined && { 'mcp-name': name }) }
    return post(
      { method, params: { ...params, _meta } },
      { accept, 'mcp-protocol-version': era, ...repeated },
    )
  }
  const opened = await post(initialize, { accept: both })
  await opened.text()
  const session = opened.headers.get('mcp-session-id') ?? ''
  return post({ method, params }, { accept, 'mcp-session-id': session })
}

describe('methods', () => {
  it.each([
    ['', 'GET, POST, DELETE', ['HEAD', 'PUT', 'PATCH']],
    ['/sse', 'GET', ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']],
    ['/messages', 'POST', ['HEAD', 'GET', 'PUT', 'PATCH', 'DELETE']],
    ['/info', 'GET, HEAD', ['POST', 'PUT', 'PATCH', 'DELETE']],
  ])('%s of an endpoint takes are %s', async (path, allow, others) => {
    for (const method of others) {
      const answer = await fetch(gateway.url() + path, { method })
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, allow])
    }
  })
})

describe('a compressed body', () => {
  it.each(['gzip', 'br', 'deflate', 'gzip, identity'])(
    'of %s is refused, by name',
    async (coding) => {
      const answer = await fetch(gateway.url(), {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: both, 'content-encoding': coding },
        body: gzipSync(JSON.stringify(initialize)),
      })
      expect(answer.status).toBe(415)
      expect(answer.headers.get('accept-encoding')).toBe('identity')
    },
  )

  it('is not one that says it is none', async () => {
    expect((await post(initialize, { accept: both, 'content-encoding': 'identity' })).status).toBe(
      200,
    )
  })
})

describe.each(['2025-06-18', '2026-07-28'])('Accept of a %s client', (era) => {
  it.each(['*/*', both, 'application/json, text/*', 'APPLICATION/JSON, TEXT/EVENT-STREAM'])(
    '%s takes any answer',
    async (accept) => {
      const answer = await ask(era, accept, 'tools/call', {
        name: 'echo',
        arguments: { text: 'hi' },
      })
      expect(answer.status).toBe(200)
      expect(await answer.text()).toContain('"text":"hi"')
    },
  )

  it.each(['application/json', 'application/*', 'application/json, text/event-stream;q=0'])(
    '%s gets JSON, also of a call that tells of its progress',
    async (accept) => {
      const listed = await ask(era, accept, 'tools/list', {})
      expect(listed.headers.get('content-type')).toContain('application/json')
      expect(await listed.json()).toMatchObject({ id: 1, result: { tools: expect.any(Array) } })
      const _meta = { progressToken: 'p' }
      const params = { name: 'slow', arguments: { steps: 2, intervalMs: 5 }, _meta }
      const called = await ask(era, accept, 'tools/call', params)
      expect(await called.json()).toMatchObject({ id: 1, result: { content: expect.any(Array) } })
    },
  )

  it.each(['text/html', 'text/event-stream', 'application/json;q=0, */*;q=0'])(
    '%s is told what to send',
    async (accept) => {
      const answer = await ask(era, accept, 'tools/list', {})
      expect(answer.status).toBe(406)
      expect(await answer.text()).toContain(both)
    },
  )
})

it('answers 406 where JSON alone cannot be the answer', async () => {
  const asked = await ask('2025-06-18', 'application/json', 'tools/call', {
    name: 'ask_user',
    arguments: { message: 'Who?' },
  })
  expect(asked.status).toBe(406)
  expect(await asked.text()).toContain('asked something back')
  const notifications = { toolsListChanged: true }
  const listening = await ask('2026-07-28', 'application/json', 'subscriptions/listen', {
    notifications,
  })
  expect(listening.status).toBe(406)
})
