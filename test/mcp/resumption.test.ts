import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import {
  answers,
  openSession,
  type takeUpSession,
  type WireMessage,
} from '../fixtures/wire-client.ts'
import { startWireServer, type WireExchange, type WireServer } from '../fixtures/wire-server.ts'

const log = (data: unknown) => ({
  method: 'notifications/message',
  params: { level: 'info', data },
})
const many = Array.from({ length: 300 }, (_, index) => log(index))
const script = JSON.stringify({
  initialize: { capabilities: { tools: {}, logging: {} } },
  'tools/call one': [{ id: '$id', result: {} }, log('one')],
  'tools/call many': [{ id: '$id', result: {} }, ...many],
})
let server: WireServer
let gateway: TestGateway
/** Calls of the tool `slow`, whose stream is open. */
const begun: WireExchange[] = []
const write = ({ outgoing }: WireExchange, message: object) =>
  outgoing.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)

beforeAll(async () => {
  server = await startWireServer({
    capabilities: { tools: {}, logging: {} },
    hasStreams: true,
    answers: {
      'tools/call': (exchange) => {
        if (exchange.message.params?.name !== 'slow') return { content: [] }
        exchange.outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
        write(exchange, log('begun'))
        begun.push(exchange)
        return undefined
      },
    },
  })
  gateway = await startTestGateway({
    servers: {
      http: { url: server.url },
      shared: { url: server.url, isolation: 'shared' },
      stdio: stdioFixture('scripted-stdio.ts', [script]),
    },
    profiles: Object.fromEntries(
      ['http', 'shared', 'stdio'].map((one) => [one, { servers: [one] }]),
    ),
  })
})
afterAll(async () => {
  await gateway.close()
  await server.close()
})

const isLog = (data: unknown) => (message: WireMessage) => message.params?.data === data
const dataIn = (messages: readonly WireMessage[]) => messages.map(({ params }) => params?.data)
/** The last session that was opened at the server. */
const lastSession = () => `session-${server.opened()}`

describe('a stream that is resumed', () => {
  it('brings what was missed of the session, in order, and goes on', async () => {
    const ada = await openSession(gateway.url('http'))
    const first = await ada.listen()
    await ada.call('hi')
    const upstream = lastSession()
    const say = (...words: string[]) => {
      for (const word of words) server.tell(upstream, log(word))
    }
    // Its own stream may open after the call.
    await expect
      .poll(() => {
        say('zero')
        return dataIn(first.messages)
      })
      .toContain('zero')
    say('one')
    await first.next(isLog('one'))
    first.leave()
    await first.ended
    say('two', 'three')
    const second = await ada.listen(first.lastEventId())
    await second.next(isLog('three'))
    say('four')
    await second.next(isLog('four'))
    expect(dataIn(second.messages)).toEqual(['two', 'three', 'four'])
    second.leave()
    await ada.end()
  })

  it.each(['before', 'after'])('brings the answer of a call that was given %s it', async (when) => {
    const ada = await openSession(gateway.url('http'))
    const call = await ada.begin('tools/call', { name: 'slow', arguments: {} })
    await call.next(isLog('begun'))
    const exchange = begun.at(-1) as WireExchange
    call.leave()
    await call.ended
    const goOn = () => {
      write(exchange, log('two'))
      write(exchange, { id: exchange.message.id, result: { content: [] } })
      exchange.outgoing.end()
    }
    if (when === 'before') goOn()
    const resumed = await ada.listen(call.lastEventId())
    expect(resumed.response.status).toBe(200)
    if (when === 'after') goOn()
    await resumed.next(answers(call.id))
    await resumed.ended
    expect(dataIn(resumed.messages)).toEqual(['two', undefined])
    await ada.end()
  })

  it('says how much is no longer kept', async () => {
    const [ada, bob] = [
      await openSession(gateway.url('stdio')),
      await openSession(gateway.url('stdio')),
    ]
    const first = await ada.listen()
    await ada.call('one')
    await first.next(isLog('one'))
    first.leave()
    await first.ended
    // The answer comes before the messages, which another session of the same server hears too.
    const heard = await bob.listen()
    await ada.call('many')
    await heard.next(isLog(299))
    heard.leave()
    const second = await ada.listen(first.lastEventId())
    await second.next(isLog(299))
    second.leave()
    const [notice, ...kept] = dataIn(second.messages)
    expect(notice).toBe(`${300 - kept.length} messages of this stream are no longer kept`)
    expect(kept.length).toBeGreaterThan(100)
    expect(kept).toEqual(many.map(({ params }) => params.data).slice(-kept.length))
    await Promise.all([ada.end(), bob.end()])
  })

  it.each([
    ['of another session', async () => idOf(await openSession(gateway.url('stdio')))],
    ['that is no id of ours', async () => '0-1'],
    ['with more in it', async () => '../../etc'],
  ])('is refused with an id %s', async (_what, foreign) => {
    const ada = await openSession(gateway.url('stdio'))
    const { response } = await ada.listen(await foreign())
    expect(response.status).toBe(400)
    await ada.end()
  })

  it('of nothing that ever was ends at once', async () => {
    const ada = await openSession(gateway.url('stdio'))
    const tag = (await idOf(ada)).slice(0, 8)
    for (const rest of ['999999999-1', '999999999-1-bm9uZQ']) {
      const stream = await ada.listen(`${tag}-${rest}`)
      await stream.ended
      expect(stream.messages).toEqual([])
    }
    await ada.end()
  })
})

async function idOf(session: ReturnType<typeof takeUpSession>): Promise<string> {
  const stream = await session.listen()
  await session.call('many')
  await stream.next(isLog(0))
  stream.leave()
  return stream.lastEventId()
}

describe('a client that does not read', () => {
  it('loses its stream, and can resume it, while another one hears everything', async () => {
    const url = gateway.url('shared')
    const [ada, bob] = [await openSession(url), await openSession(url)]
    const heard = await bob.listen()
    const headers = { ...ada.headers, accept: 'text/event-stream' }
    const sleeping = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { headers }, resolve).on('error', reject).end()
    })
    sleeping.on('error', () => {
      // It was cut off, which is what is looked for.
    })
    await ada.call('hi')
    const upstream = [...server.sessions].filter((one) =>
      server.seen.some(
        ({ sessionId, message }) => sessionId === one && message.params?.name === 'hi',
      ),
    )
    const big = 'x'.repeat(256 * 1024)
    for (let count = 0; count < 80; count += 1) {
      for (const one of upstream) {
        server.tell(one, { ...log(count), params: { level: 'info', data: count, big } })
      }
    }
    await heard.next(isLog(79))
    heard.leave()
    const cutOff = new Promise((resolve) => sleeping.once('close', resolve))
    let text = ''
    sleeping.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    await cutOff
    expect(sleeping.complete).toBe(false)
    const lastEventId = [...text.matchAll(/^id: (\S+)\n.*\n.*\n\n/gm)].at(-1)?.[1]
    const resumed = await ada.listen(lastEventId ?? '')
    await resumed.next(isLog(79))
    const [notice, ...kept] = dataIn(resumed.messages)
    expect(notice).toMatch(/^\d+ messages of this stream are no longer kept$/)
    expect(kept.at(-1)).toBe(79)
    resumed.leave()
    await Promise.all([ada.end(), bob.end()])
  })
})
