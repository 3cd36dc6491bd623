import { describe, expect, it } from 'vitest'
import { type ClientKind, connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { freePort, startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { startWireServer, type WireExchange, type WireServer } from '../fixtures/wire-server.ts'

const closing = closeAfterEach()
const kinds = ['v1 streamable HTTP', 'v1 HTTP+SSE', 'v2 modern'] as const
const textOf = (result: Record<string, unknown>) => (result.content as { text: string }[])[0]?.text
const changed = 'notifications/tools/list_changed'

/** A 2025 server over HTTP whose tool `enable` adds `late`, to the session that calls it alone. */
async function startGrowing(): Promise<WireServer> {
  const grown = new Set<string | undefined>()
  const text = (words: string) => ({ content: [{ type: 'text', text: words }] })
  const server: WireServer = await startWireServer({
    capabilities: { tools: { listChanged: true } },
    hasStreams: true,
    answers: {
      'tools/list': ({ sessionId }: WireExchange) => ({
        tools: ['enable', ...(grown.has(sessionId) ? ['late'] : [])].map((name) => ({
          name,
          inputSchema: { type: 'object' },
        })),
      }),
      'tools/call': ({ message, sessionId = '' }: WireExchange) => {
        if (message.params?.name !== 'enable') return text('here')
        grown.add(sessionId)
        server.tell(sessionId, { method: changed })
        return text('enabled')
      },
    },
  })
  return closing(server)
}

const connect = async (kind: ClientKind, url: string) => {
  const client = closing(await connectClient(kind, url))
  if (kind === 'v2 modern') await client.follow('a:b')
  return client
}

async function expectLate(client: Awaited<ReturnType<typeof connect>>): Promise<void> {
  await client.notifications.next(changed)
  const names = async () => (await client.list('tools')).map(({ name }) => name)
  expect(await names()).toContain('late')
  expect(textOf(await client.call('late'))).toBe('here')
}

describe('a stdio server that can run once', () => {
  it('serves clients of every kind from one process, and each hears of a new tool', async () => {
    const sketch = stdioFixture('dual-stdio.ts', [String(await freePort())])
    const gateway = closing(await startTestGateway({ servers: { one: sketch } }))
    const clients = await Promise.all(kinds.map((kind) => connect(kind, gateway.url())))
    const pids = await Promise.all(clients.map(async (one) => textOf(await one.call('pid'))))
    expect(new Set(pids).size).toBe(1)
    expect(textOf((await clients[0]?.call('enable')) ?? {})).toBe('enabled')
    await Promise.all(clients.map(expectLate))
  })
})

describe('a 2025 server over HTTP that adds a tool', () => {
  it.each(kinds)('is heard by a client over %s when it is shared', async (kind) => {
    const { url } = await startGrowing()
    const servers = { one: { url, isolation: 'shared' as const } }
    const gateway = closing(await startTestGateway({ servers }))
    const [ada, bob] = [await connect(kind, gateway.url()), await connect(kinds[0], gateway.url())]
    await ada.call('enable')
    await expectLate(ada)
    await expectLate(bob)
  })

  it('adds it for the session that asked, and for nobody else', async () => {
    const { url } = await startGrowing()
    const servers = { one: { url, isolation: 'session' as const } }
    const gateway = closing(await startTestGateway({ servers }))
    for (const kind of kinds.slice(0, 2)) {
      const [ada, bob] = [await connect(kind, gateway.url()), await connect(kind, gateway.url())]
      await Promise.all([ada.list('tools'), bob.list('tools')])
      await ada.call('enable')
      await expectLate(ada)
      expect((await bob.list('tools')).map(({ name }) => name)).toEqual(['enable'])
      expect(bob.notifications.received).toEqual([])
    }
  })
})
