import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../cli/helpers.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import {
  isTold,
  modernWire,
  openSession,
  seenBy,
  textOf,
  type WireMessage,
} from '../fixtures/wire-client.ts'

const link = { type: 'resource_link', uri: 'a:b', name: 'linked' }
const updated = { method: 'notifications/resources/updated', params: { uri: 'a:b' } }

const noted = { ...updated, params: { uri: 'note:7' } }

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
      'resources/templates/list': {
        resourceTemplates: [{ uriTemplate: 'note:{id}', name: 'note' }],
      },
      'tools/call note': { content: [{ ...link, uri: 'note:7' }] },
      'tools/call noted': [{ id: '$id', result: { content: [] } }, noted],
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
  const isolation = 'session'
  gateway = await startTestGateway({
    servers: {
      one: scriptOf('one'),
      two: scriptOf('two'),
      third: { ...scriptOf('third'), isolation } as ReturnType<typeof scriptOf>,
      fourth: { ...scriptOf('fourth'), isolation } as ReturnType<typeof scriptOf>,
    },
    profiles: {
      default: { servers: ['one', 'two'] },
      shared: { servers: ['one', 'two'] },
      session: { servers: ['third', 'fourth'] },
    },
  })
  for (const profile of ['default', 'session']) {
    const ada = await openSession(gateway.url(profile))
    await until(async () => (await urisOf(ada)).length === 4, { what: 'all four are listed' })
  }
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

  it.each(clients)('is told apart where a template makes it (%s client)', async (_era, open) => {
    const client = await open()
    for (const name of ['one', 'two']) {
      const uri = `${name}+note:7`
      const { result } = await client.call(`${name}__note`)
      expect(result?.content).toEqual([{ ...link, uri }])
      await client.request('resources/read', { uri })
      const read = (await seenBy(client, `${name}__seen`)).filter(
        ({ method }) => method === 'resources/read',
      )
      expect(read.at(-1)?.params?.uri).toBe('note:7')
    }
  })

  it.each(['shared', 'session'])('is followed where a template makes it (%s)', async (how) => {
    const ada = await openSession(gateway.url(how))
    const stream = await ada.listen()
    const [one = '', two = ''] = how === 'shared' ? ['one', 'two'] : ['third', 'fourth']
    await ada.request('resources/subscribe', { uri: `${two}+note:7` })
    if (how === 'shared') await ada.call(`${one}__noted`)
    await ada.call(`${two}__noted`)
    const told = await stream.next(isTold(updated.method))
    expect(told.params).toEqual({ uri: `${two}+note:7` })
    expect(stream.messages).toHaveLength(1)
    stream.leave()
    await ada.end()
  })

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
