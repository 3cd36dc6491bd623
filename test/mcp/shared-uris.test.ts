import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import {
  isTold,
  modernWire,
  openSession,
  textOf,
  type WireMessage,
} from '../fixtures/wire-client.ts'

const link = { type: 'resource_link', uri: 'a:b', name: 'linked' }
const updated = { method: 'notifications/resources/updated', params: { uri: 'a:b' } }

const scriptOf = (name: string) =>
  stdioFixture('scripted-stdio.ts', [
    JSON.stringify({
      initialize: { capabilities: { tools: {}, resources: { subscribe: true } } },
      'resources/list': {
        resources: [
          { uri: 'a:b', name: 'shared' },
          { uri: `own:${name}`, name: 'own' },
        ],
      },
      'resources/read': { contents: [{ uri: 'a:b', text: name }] },
      'resources/subscribe': {},
      'resources/unsubscribe': {},
      'tools/call hi': {
        content: [link, { type: 'resource', resource: { uri: 'a:b', text: name } }],
      },
      'tools/call later': [{ id: '$id', result: { content: [] } }, updated],
    }),
  ])
let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({ servers: { one: scriptOf('one'), two: scriptOf('two') } })
  const ada = await openSession(gateway.url())
  await vi.waitFor(async () => expect(await urisOf(ada)).toHaveLength(4), { timeout: 10_000 })
})
afterAll(() => gateway.close())

interface Asking {
  request(method: string, params?: Record<string, unknown>): Promise<WireMessage>
  call(name: string): Promise<WireMessage>
}

async function urisOf({ request }: Asking): Promise<string[]> {
  const { result } = await request('resources/list')
  return ((result?.resources ?? []) as { uri: string }[]).map(({ uri }) => uri)
}

const clients: [string, () => Promise<Asking>][] = [
  ['2025', () => openSession(gateway.url())],
  ['2026', async () => modernWire(gateway.url())],
]

describe('a URI that two servers of a profile have', () => {
  it.each(clients)(
    'is shown twice, and each leads to its own server (%s client)',
    async (_era, open) => {
      const client = await open()
      const uris = await urisOf(client)
      expect(uris).toEqual(['one+a:b', 'own:one', 'two+a:b', 'own:two'])
      for (const name of ['one', 'two']) {
        const uri = `${name}+a:b`
        const read = await client.request('resources/read', { uri })
        expect(read.result?.contents).toEqual([{ uri, text: name }])
        // Links in answers are called alike.
        const { result } = await client.call(`${name}__hi`)
        expect(result?.content).toEqual([
          { ...link, uri },
          { type: 'resource', resource: { uri, text: name } },
        ])
      }
    },
  )

  it.each(clients)(
    'is not read under a name that says nothing of the server (%s client)',
    async (_era, open) => {
      const { error } = await (await open()).request('resources/read', { uri: 'a:b' })
      expect(error).toMatchObject({ code: -32602, message: 'Unknown resource: "a:b"' })
    },
  )

  it('is followed at the server that was meant', async () => {
    const [ada, bob] = [await openSession(gateway.url()), modernWire(gateway.url())]
    const stream = await ada.listen()
    await ada.request('resources/subscribe', { uri: 'two+a:b' })
    const heard = await bob.listen({ resourceSubscriptions: ['two+a:b'] })
    await ada.call('one__later')
    await ada.call('two__later')
    for (const { next } of [stream, heard]) {
      expect((await next(isTold(updated.method))).params).toMatchObject({ uri: 'two+a:b' })
    }
    expect(stream.messages).toHaveLength(1)
    stream.leave()
    heard.leave()
    expect(textOf(await ada.call('one__pid'))).not.toBe(textOf(await ada.call('two__pid')))
  })
})
