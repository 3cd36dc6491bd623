import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { isTold, modernWire, openSession, textOf } from '../fixtures/wire-client.ts'
import {
  answerWire,
  startWireServer,
  type WireExchange,
  type WireServer,
} from '../fixtures/wire-server.ts'

/** How servers say that they know a session no more: HTTP status, then the error or the words. */
const refusals: Record<string, [number, { code: number; message: string } | string]> = {
  'with 404': [404, { code: -32001, message: 'Session not found' }],
  'with 404 and a page': [404, '<h1>Not Found</h1>'],
  'with 400, as the TypeScript SDK': [
    400,
    { code: -32000, message: 'Bad Request: No valid session ID provided' },
  ],
  'with 400, as the Python SDK': [400, { code: -32600, message: 'Session not found' }],
  'with 400 and a text': [400, 'Missing session ID'],
  'with 400 and "expired"': [400, { code: -32000, message: 'Session has expired' }],
  'as an answer with -32000': [200, { code: -32000, message: 'Invalid session' }],
  'as an answer with -32001': [200, { code: -32001, message: 'Session not found' }],
  'as an answer with -32600': [200, { code: -32600, message: 'unknown session id' }],
}
const isolations = ['session', 'shared'] as const
const rows = Object.keys(refusals).flatMap((how) =>
  isolations.map((isolation) => ({
    how,
    isolation,
    name: `${isolation}${how.replace(/\W+/g, '-')}`,
  })),
)
const servers = new Map<string, WireServer & { grows(): void }>()
let gateway: TestGateway

async function startForgetful(how: string) {
  const [status, words] = refusals[how] ?? [404, '']
  let tools = ['hi', 'fails']
  const server = await startWireServer({
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true },
      logging: {},
    },
    answers: {
      'tools/list': () => ({
        tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })),
      }),
      'tools/call': (exchange) => {
        const { id, params } = exchange.message
        if (params?.name !== 'fails') {
          return { content: [{ type: 'text', text: String(exchange.sessionId) }] }
        }
        answerWire(exchange, { id: id ?? 0, error: { code: -32050, message: 'session not found' } })
        return undefined
      },
    },
    refuse({ message, outgoing }: WireExchange) {
      const isText = typeof words === 'string'
      const id = status === 200 ? message.id : null
      outgoing
        .writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' })
        .end(isText ? words : JSON.stringify({ jsonrpc: '2.0', id, error: words }))
    },
  })
  return Object.assign(server, {
    grows() {
      tools = [...tools, 'late']
    },
  })
}

beforeAll(async () => {
  for (const { how, name } of rows) servers.set(name, await startForgetful(how))
  gateway = await startTestGateway({
    servers: Object.fromEntries(
      rows.map(({ name, isolation }) => [name, { url: servers.get(name)?.url ?? '', isolation }]),
    ),
    profiles: Object.fromEntries(rows.map(({ name }) => [name, { servers: [name] }])),
  })
})
afterAll(async () => {
  await gateway.close()
  for (const server of servers.values()) await server.close()
})

/** What a session of the server's was asked to restore. */
function askedIn(server: WireServer, sessionId: string | undefined): string[] {
  const restored = ['logging/setLevel', 'resources/subscribe']
  return server.seen
    .filter((one) => one.sessionId === sessionId && restored.includes(one.message.method))
    .map(({ message }) => message.method)
    .sort()
}

describe('a server that forgets its sessions', () => {
  it.each(rows)(
    'and says so $how (isolation: $isolation) serves its clients on',
    async ({ name }) => {
      const server = servers.get(name) as Awaited<ReturnType<typeof startForgetful>>
      const url = gateway.url(name)
      const ada = await openSession(url)
      const adaHears = await ada.listen()
      expect(await ada.request('logging/setLevel', { level: 'warning' })).toMatchObject({
        result: {},
      })
      expect(await ada.request('resources/subscribe', { uri: 'a:b' })).toMatchObject({ result: {} })
      expect(textOf(await ada.call('hi'))).toMatch(/^session-/)
      const bob = modernWire(url)
      const bobHears = await bob.listen({ toolsListChanged: true })
      expect(textOf(await bob.call('hi'))).toMatch(/^session-/)

      const before = server.opened()
      server.grows()
      server.sessions.clear()
      const again = textOf(await ada.call('hi'))
      expect(server.sessions).toContain(again)
      expect(Number(again.replace('session-', ''))).toBeGreaterThan(before)
      expect(server.sessions).toContain(textOf(await bob.call('hi')))
      await expect
        .poll(() => askedIn(server, again))
        .toEqual(['logging/setLevel', 'resources/subscribe'])
      await adaHears.next(isTold('notifications/tools/list_changed'))
      await bobHears.next(isTold('notifications/tools/list_changed'))
      adaHears.leave()
      bobHears.leave()
      await ada.end()
    },
  )

  it.each(isolations)(
    'is not meant by a tool that says such words (isolation: %s)',
    async (isolation) => {
      const { name } = rows.find((row) => row.isolation === isolation) ?? { name: '' }
      const server = servers.get(name) as WireServer
      const url = gateway.url(name)
      const ada = await openSession(url)
      await ada.call('hi')
      const calls = () =>
        server.seen.filter(({ message: { params } }) => params?.name === 'fails').length
      for (const client of [ada, modernWire(url)]) {
        const before = calls()
        const { error } = await client.call('fails')
        expect(error).toEqual({ code: -32050, message: 'session not found' })
        expect(calls()).toBe(before + 1)
      }
      await ada.end()
    },
  )
})
