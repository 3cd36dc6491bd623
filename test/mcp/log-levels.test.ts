import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { openSession, seenBy, type WireMessage, type WireSession } from '../fixtures/wire-client.ts'

const log = (level: string) => ({ method: 'notifications/message', params: { level, data: level } })
const done = { id: '$id', result: { content: [] } }
const every = ['debug', 'info', 'warning', 'error'].map(log)
const script = {
  initialize: { capabilities: { tools: {}, logging: {} } },
  'tools/call talk': [...every, done],
  // Once nobody is calling: for everybody.
  'tools/call later': [done, ...every],
}
const willing = stdioFixture('scripted-stdio.ts', [
  JSON.stringify({ ...script, 'logging/setLevel': {} }),
])
const refusal = { code: -32601, message: 'no levels here', data: { why: 'none' } }
const refusing = stdioFixture('scripted-stdio.ts', [
  JSON.stringify({ ...script, 'logging/setLevel': { error: refusal } }),
])
const isolation = 'session'
let gateway: TestGateway

beforeAll(async () => {
  const servers = {
    'willing-shared': willing,
    'willing-session': { ...willing, isolation } as typeof willing,
    'refusing-shared': refusing,
    'refusing-session': { ...refusing, isolation } as typeof refusing,
    modern: stdioFixture('modern-stdio.ts'),
  }
  const profiles = Object.keys(servers).map((name) => [name, { servers: [name] }])
  gateway = await startTestGateway({ servers, profiles: Object.fromEntries(profiles) })
})
afterAll(() => gateway.close())

const levelsIn = (messages: readonly WireMessage[]) =>
  messages
    .filter(({ method }) => method === 'notifications/message')
    .map(({ params }) => params?.level)

async function talk(session: WireSession) {
  const stream = await session.begin('tools/call', { name: 'talk', arguments: {} })
  await stream.ended
  return levelsIn(stream.messages)
}

/** What the server was told of levels, in order. */
async function levelsSet(session: WireSession): Promise<string[]> {
  const seen = await seenBy(session)
  return seen
    .filter(({ method }) => method === 'logging/setLevel')
    .map(({ params }) => String(params?.level))
}

describe('the log level', () => {
  it.each(['shared', 'session'])('is sent when a client sets one, not before (%s)', async (how) => {
    const ada = await openSession(gateway.url(`willing-${how}`))
    await ada.call('hi')
    expect(await levelsSet(ada)).toEqual([])
    expect(await talk(ada)).toEqual(['debug', 'info', 'warning', 'error'])
    expect(await ada.request('logging/setLevel', { level: 'warning' })).toMatchObject({
      result: {},
    })
    expect(await levelsSet(ada)).toEqual(['warning'])
    expect(await talk(ada)).toEqual(['warning', 'error'])
    await ada.end()
  })

  it.each(['shared', 'session'])(
    'may be refused, which is that client’s answer (%s)',
    async (how) => {
      const ada = await openSession(gateway.url(`refusing-${how}`))
      expect((await ada.request('logging/setLevel', { level: 'debug' })).error).toEqual(refusal)
      expect((await ada.call('hi')).result).toMatchObject({ content: [{ text: 'hi' }] })
      const bob = await openSession(gateway.url(`refusing-${how}`))
      expect((await bob.call('hi')).result).toMatchObject({ content: [{ text: 'hi' }] })
      await Promise.all([ada.end(), bob.end()])
    },
  )

  it('of each session on a shared server is its own', async () => {
    const url = gateway.url('willing-shared')
    const [ada, bob, eve] = [await openSession(url), await openSession(url), await openSession(url)]
    const streams = [await ada.listen(), await bob.listen(), await eve.listen()]
    await ada.request('logging/setLevel', { level: 'debug' })
    await bob.request('logging/setLevel', { level: 'error' })
    expect((await levelsSet(ada)).slice(-2)).toEqual(['debug', 'debug'])
    expect(await talk(ada)).toEqual(['debug', 'info', 'warning', 'error'])
    expect(await talk(bob)).toEqual(['error'])
    // Who asked for nothing is not told what another one asked for.
    expect(await talk(eve)).toEqual(['info', 'warning', 'error'])
    await ada.call('later')
    const isLast = ({ params }: WireMessage) => params?.level === 'error'
    await Promise.all(streams.map((stream) => stream.next(isLast)))
    expect(streams.map(({ messages }) => levelsIn(messages))).toEqual([
      ['debug', 'info', 'warning', 'error'],
      ['error'],
      ['info', 'warning', 'error'],
    ])
    await ada.end()
    expect(await talk(eve)).toEqual(['info', 'warning', 'error'])
    for (const stream of streams) stream.leave()
    await Promise.all([bob.end(), eve.end()])
  })

  it('of a shared server is what those still want who are left', async () => {
    const url = gateway.url('willing-shared')
    const [ada, bob, eve] = [await openSession(url), await openSession(url), await openSession(url)]
    await ada.request('logging/setLevel', { level: 'debug' })
    await bob.request('logging/setLevel', { level: 'error' })
    await ada.end()
    const last = async () => (await levelsSet(eve)).at(-1)
    await expect.poll(last).toBe('error')
    await bob.end()
    await expect.poll(last).toBe('info')
    await eve.end()
  })

  it('of a client of 2025 that has set none is "info" for a server of 2026', async () => {
    const ada = await openSession(gateway.url('modern'))
    const levelIn = async () => {
      const stream = await ada.begin('tools/call', { name: 'log', arguments: {} })
      await stream.ended
      return levelsIn(stream.messages)
    }
    expect(await levelIn()).toEqual(['info'])
    await ada.request('logging/setLevel', { level: 'error' })
    // It says nothing above that.
    expect(await levelIn()).toEqual([])
    await ada.end()
  })
})
