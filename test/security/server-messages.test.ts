import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { modernWire, openSession, type WireMessage } from '../fixtures/wire-client.ts'

// What a server sends may cost the call it belongs to, and nothing else: the gateway lives on.

/** No string, and nothing that can be made one. */
const noText = { toString: 1, valueOf: 1 }
const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const answer = { id: '$id', result: { content: [] } }
const asks = (inputRequests: unknown) => [
  { id: '$id', result: { resultType: 'input_required', inputRequests } },
]

/** What is written to standard output during a call, by what is odd about it. */
const odd: Readonly<Record<string, readonly (object | string)[]>> = {
  'a progress token that is no text': [
    { method: 'notifications/progress', params: { progressToken: noText } },
    answer,
  ],
  'a progress token of 20,000 lists': [
    `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${lists(20_000)}}}`,
    answer,
  ],
  'a changed resource that is no text': [
    { method: 'notifications/resources/updated', params: { uri: noText } },
    answer,
  ],
  'a changed resource of 20,000 lists': [
    `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":${lists(20_000)}}}`,
    answer,
  ],
  'a cancelled request that is no text': [
    { method: 'notifications/cancelled', params: { requestId: noText } },
    answer,
  ],
  'a log message of no level': [
    { method: 'notifications/message', params: { level: noText } },
    answer,
  ],
  'a question about nothing': [{ id: 9, method: 'elicitation/create', params: null }, answer],
  'null for what it asks': asks({ a: null }),
  'text for what it asks': asks({ a: 'x' }),
  'a method that is no text': asks({ a: { method: noText } }),
  'null for a result': [{ id: '$id', result: null }],
  'a list for a result': [{ id: '$id', result: [{ taskId: 1 }] }],
  'an error that is no text': [{ id: '$id', error: { code: noText, message: noText } }],
}
const rows = Object.keys(odd)
const script = {
  'tools/list': { tools: ['hi', ...rows].map((name) => ({ name, inputSchema: {} })) },
  initialize: { capabilities: { tools: {}, resources: { subscribe: true } } },
  ...Object.fromEntries(rows.map((row) => [`tools/call ${row}`, odd[row]])),
}
const discovered = {
  'server/discover': {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, resources: { subscribe: true } },
  },
}
const unnamed = {
  'tools/list': { tools: [null, 5, { name: 5 }, { name: 'hi', inputSchema: {} }] },
}

/** Answers over HTTP: of capabilities nested deeply, and of a tool whose answer has no end. */
async function startHttpServer() {
  const send = (response: ServerResponse, id: unknown, result: string) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`)
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8')
    const { id, method, params } = JSON.parse(body || '{}')
    if (method === 'initialize') {
      const deep = request.url === '/deep' ? `,"experimental":${objects(20_000)}` : ''
      const info = '"protocolVersion":"2025-11-25","serverInfo":{"name":"odd","version":"1"}'
      return send(response, id, `{${info},"capabilities":{"tools":{}${deep}}}`)
    }
    if (method === 'tools/list') return send(response, id, JSON.stringify({ tools: [] }))
    if (method !== 'tools/call') return void response.writeHead(id ? 404 : 202).end()
    if (params.name === 'hi') return send(response, id, '{"content":[]}')
    const isStream = params.name === 'stream'
    const type = isStream ? 'text/event-stream' : 'application/json'
    response.writeHead(200, { 'content-type': type })
    response.write(isStream ? 'data: {"a":"' : '{"a":"')
    const more = 'x'.repeat(1024 * 1024)
    const goOn = () => {
      while (response.writable && response.write(more));
    }
    response.on('drain', goOn)
    goOn()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

let server: Awaited<ReturnType<typeof startHttpServer>>
let gateway: TestGateway
beforeAll(async () => {
  server = await startHttpServer()
  const servers = {
    legacy: stdioFixture('scripted-stdio.ts', [JSON.stringify(script)]),
    modern: stdioFixture('scripted-stdio.ts', [JSON.stringify({ ...script, ...discovered })]),
    unnamed: stdioFixture('scripted-stdio.ts', [JSON.stringify(unnamed)]),
    deep: { url: `${server.origin}/deep` },
    endless: { url: `${server.origin}/endless` },
  }
  const profiles = Object.keys(servers).map((name) => [name, { servers: [name] }] as const)
  gateway = await startTestGateway({
    servers,
    profiles: {
      ...Object.fromEntries(profiles),
      prefixed: { servers: ['unnamed'], naming: 'prefix' },
    },
  })
})
afterAll(async () => {
  await gateway.close()
  server.close()
})

const isAnswered = ({ result, error }: WireMessage) => result !== undefined || error !== undefined

describe.each(['legacy', 'modern'])('a %s server', (profile) => {
  it.each(rows)('that sends %s costs no more than its call', async (row) => {
    const legacy = await openSession(gateway.url(profile), { capabilities: { elicitation: {} } })
    for (const client of [legacy, modernWire(gateway.url(profile))]) {
      expect(isAnswered(await client.call(row))).toBe(true)
      expect((await client.call('hi')).result).toMatchObject({ content: [{ text: 'hi' }] })
    }
  })
})

it('leaves out of a list what has no name', async () => {
  const url = gateway.url('prefixed')
  for (const client of [await openSession(url), modernWire(url)]) {
    const { result } = await client.request('tools/list')
    expect(result?.tools).toEqual([{ name: 'unnamed__hi', inputSchema: {} }])
  }
})

it('says that capabilities which cannot be written are a fault, and goes on', async () => {
  const url = gateway.url('deep')
  const opening = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'wire' } }
  const message = { jsonrpc: '2.0', id: 1, method: 'initialize', params: opening }
  for (const request of [
    () => modernWire(url).request('server/discover'),
    async () =>
      (
        await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
          },
          body: JSON.stringify(message),
        })
      ).json() as Promise<WireMessage>,
  ]) {
    expect(isAnswered(await request())).toBe(true)
  }
})

it.each(['json', 'stream'])('ends an answer without an end: %s', async (name) => {
  const client = await openSession(gateway.url('endless'))
  expect((await client.call(name)).error?.message).toContain('more than 64 MiB')
  expect((await client.call('hi')).result).toEqual({ content: [] })
})
