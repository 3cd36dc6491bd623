import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSession } from '../../src/mcp/endpoint/session.ts'
import type { Profile } from '../../src/mcp/profile.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { silentLogger } from '../fixtures/silent-logger.ts'
import { openSession, seenBy, type WireMessage } from '../fixtures/wire-client.ts'

const script = JSON.stringify({ 'tools/call never': null })
let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({
    servers: { one: stdioFixture('scripted-stdio.ts', [script]) },
  })
})
afterAll(() => gateway.close())

describe('a request id that is used twice', () => {
  it('is refused the second time while the first is under way, which goes on', async () => {
    const ada = await openSession(gateway.url())
    const never = { method: 'tools/call', params: { name: 'never', arguments: {} } }
    const first = ada.post({ id: 'same', ...never })
    const isBegun = async () =>
      (await seenBy(ada)).filter(({ params }) => params?.name === 'never').length
    await expect.poll(isBegun).toBe(1)
    const second = await ada.post({ id: 'same', ...never })
    expect(await second.json()).toEqual({
      jsonrpc: '2.0',
      id: 'same',
      error: { code: -32600, message: 'Another request with the id "same" is under way' },
    })
    expect(await isBegun()).toBe(1)
    await ada.notify('notifications/cancelled', { requestId: 'same' })
    expect((await first).status).toBe(200)
    const third = ada.post({ id: 'same', ...never })
    await expect.poll(isBegun).toBe(2)
    await ada.notify('notifications/cancelled', { requestId: 'same' })
    await third
    await ada.end()
  })
})

/** A session of a profile whose one server never answers, and everything its client is sent. */
function openQuietly(parts: object = { handle: () => {}, upstreams: () => [] }) {
  const sent: WireMessage[] = []
  const send = (text: string) => void sent.push(JSON.parse(text))
  const ask = (text: string) => {
    send(text)
    return true
  }
  const outlet = { deliver: send, ask, answer: send, drop: () => {}, pause: () => {} }
  const session = createSession({
    id: 'one',
    profile: {
      config: { name: 'quiet' },
      tap: { request: () => undefined, message: () => {} },
      ...parts,
    } as unknown as Profile,
    terms: { protocolVersion: '2025-11-25', clientInfo: {}, capabilities: {}, principal: 'ada' },
    outlet,
    logger: silentLogger,
    onState: () => {},
  })
  return { sent, session, from: { outlet, origin: 'http://localhost' } }
}

describe('what is under way in one session', () => {
  it('is bounded: of a client’s calls', () => {
    const { sent, session, from } = openQuietly()
    const text = '{}'
    const call = (id: number) =>
      session.receive({ kind: 'request', id, method: 'x/never', params: undefined, text }, from)
    for (let id = 1; id <= 1_024; id += 1) call(id)
    expect(sent).toEqual([])
    call(2_000)
    expect(sent).toMatchObject([{ id: 2_000, error: { code: -32000 } }])
    expect(sent[0]?.error?.message).toContain('1024 requests of this session are under way')
    const params = { requestId: 1 }
    session.receive({ kind: 'notification', method: 'notifications/cancelled', params, text }, from)
    call(2_001)
    expect(sent).toHaveLength(1)
  })

  it('is bounded: of its servers’ questions', () => {
    const { sent, session } = openQuietly()
    const refused: string[] = []
    const ask = (id: number) =>
      session.ask({
        request: { kind: 'request', id, method: 'roots/list', params: undefined, text: '{}' },
        answer: (kind, body) => void refused.push(`${kind} ${body}`),
        progress: () => {},
      })
    for (let id = 1; id <= 256; id += 1) ask(id)
    expect([sent.length, refused.length]).toEqual([256, 0])
    ask(257)
    expect(sent).toHaveLength(256)
    expect(refused).toEqual([expect.stringMatching(/^error .*256 questions wait/)])
  })
})

describe('a message that cannot be handled', () => {
  // Its POST may be answered with 202 already: there is nobody to throw at.
  const broken = () => {
    throw new Error('a fault')
  }

  it('is answered with an internal error, and costs itself alone', () => {
    const { sent, session, from } = openQuietly({ handle: broken, upstreams: broken })
    const text = '{}'
    session.receive({ kind: 'notification', method: 'x', params: undefined, text }, from)
    session.receive({ kind: 'request', id: 1, method: 'x', params: undefined, text }, from)
    session.receive({ kind: 'request', id: 2, method: 'ping', params: undefined, text }, from)
    expect(sent).toMatchObject([
      { id: 1, error: { code: -32603 } },
      { id: 2, result: {} },
    ])
  })
})
