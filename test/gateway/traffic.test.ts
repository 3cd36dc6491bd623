import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallEntry, TrafficEntry } from '../../src/traffic/entry.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { answers, isTold, modernWire, openSession, postWire } from '../fixtures/wire-client.ts'

const canary = 'c4n4ry-0f-th3-m1n3'
const script = JSON.stringify({
  'tools/call told': [
    { method: 'notifications/progress', params: { progressToken: '$id', progress: 1 } },
    { id: '$id', result: { content: [] } },
  ],
  'tools/call failing': { isError: true, content: [{ type: 'text', text: 'kaboom' }] },
  'tools/call unknown': { error: { code: -32602, message: 'Unknown tool' } },
  'tools/call asking': [{ id: 'q', method: 'elicitation/create', params: { message: 'May I?' } }],
  'tools/call waiting': null,
  'tools/call leaking': {
    content: [{ type: 'text', text: `the setting is ${canary}` }],
    token: 'abc-def-ghi',
  },
})

let gateway: TestGateway
let leave: () => void
const heard: TrafficEntry[] = []

beforeAll(async () => {
  gateway = await startTestGateway({
    servers: {
      scripted: { ...stdioFixture('scripted-stdio.ts', [script]), variableValues: [canary] },
    },
    profiles: { closed: { auth: 'key' } },
  })
  leave = gateway.gateway.traffic.watch((entry) => heard.push(entry))
})
afterAll(async () => {
  leave()
  await gateway.close()
})

/** The calls of one test, once there are so many. */
async function callsOf(name: string, count = 1): Promise<CallEntry[]> {
  const found = () =>
    heard.filter((entry): entry is CallEntry => entry.kind === 'call' && entry.name === name)
  await expect.poll(found).toHaveLength(count)
  return found()
}

describe('the traffic of a gateway', () => {
  it('has what a session asked, of whom, and what it was answered', async () => {
    const ada = await openSession(gateway.url())
    await ada.call('hi', { a: 1 })
    const [call] = await callsOf('hi')
    expect(call).toMatchObject({
      profile: 'default',
      client: 'wire 1',
      caller: 'anonymous',
      era: 'legacy',
      server: 'scripted',
      method: 'tools/call',
      outcome: 'ok',
      answer: { text: '{"content":[{"type":"text","text":"hi"}]}' },
    })
    expect(JSON.parse(call?.request.text ?? '')).toMatchObject({
      method: 'tools/call',
      params: { name: 'hi', arguments: { a: 1 } },
    })
    expect(call?.serverMs).toBeGreaterThan(0)
    expect(call?.tookMs).toBeGreaterThanOrEqual(call?.serverMs ?? 0)
    const opened = heard.filter((entry) => 'session' in entry && entry.session === call?.session)
    expect(opened.map((entry) => 'method' in entry && entry.method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/call',
    ])
    expect(JSON.stringify(heard)).not.toContain(ada.id)
    await ada.end()
  })

  it('has the same of a 2026-07-28 client', async () => {
    await modernWire(gateway.url()).call('told')
    const [call] = await callsOf('told')
    expect(call).toMatchObject({
      era: 'modern',
      client: 'wire 1',
      server: 'scripted',
      outcome: 'ok',
    })
    expect(call).not.toHaveProperty('session')
  })

  it.each([
    ['a tool that failed', 'failing', 'tool-error', 'kaboom'],
    ['an error', 'unknown', 'error', 'Unknown tool'],
  ])('tells %s', async (_what, name, outcome, problem) => {
    const ada = await openSession(gateway.url())
    await ada.call(name)
    await modernWire(gateway.url()).call(name)
    const both = await callsOf(name, 2)
    expect(both).toMatchObject([
      { era: 'legacy', outcome, problem },
      { era: 'modern', outcome, problem },
    ])
    await ada.end()
  })

  it('has the progress, the question and its answer with the call', async () => {
    const ada = await openSession(gateway.url(), { capabilities: { elicitation: {} } })
    const call = await ada.begin('tools/call', { name: 'asking' })
    const question = await call.next(isTold('elicitation/create'))
    await ada.post({ id: question.id, result: { action: 'accept', content: {} } })
    await ada.notify('notifications/cancelled', { requestId: call.id })
    const [asking] = await callsOf('asking')
    expect(asking).toMatchObject({
      outcome: 'cancelled',
      asides: [
        { from: 'server', method: 'elicitation/create', body: { text: '{"message":"May I?"}' } },
        { from: 'client', body: { text: '{"action":"accept","content":{}}' } },
      ],
    })
    await ada.end()
  })

  it('tells a call whose session ended', async () => {
    const ada = await openSession(gateway.url())
    const waiting = ada.begin('tools/call', { name: 'waiting' })
    await ada.call('hi')
    await ada.end()
    expect(await callsOf('waiting')).toMatchObject([{ outcome: 'lost' }])
    // It is not left hanging.
    await (await waiting).ended
  })

  it('tells a 2026-07-28 call whose client left', async () => {
    const left = new AbortController()
    const call = modernWire(gateway.url()).begin('tools/call', { name: 'waiting' }, left)
    call.catch(() => {
      // It was left before it was answered.
    })
    await modernWire(gateway.url()).call('hi')
    left.abort()
    expect(await callsOf('waiting', 2)).toMatchObject([{}, { outcome: 'cancelled' }])
  })

  it('tells a request that was refused', async () => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'wire', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const params = { name: 'mismatched', _meta }
    await postWire(
      gateway.url(),
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
      { headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' } },
    )
    expect(await callsOf('mismatched')).toMatchObject([
      { outcome: 'error', problem: expect.stringContaining('the body names method tools/call') },
    ])
  })

  it('tells who is not let in, and why', async () => {
    const headers = { authorization: 'Bearer not-a-key-of-ours' }
    await postWire(gateway.url('closed'), { jsonrpc: '2.0', id: 1, method: 'ping' }, { headers })
    await postWire(gateway.url('closed'), { jsonrpc: '2.0', id: 1, method: 'ping' })
    const refused = () =>
      heard.filter((entry) => entry.kind === 'event' && entry.what === 'refused')
    await expect.poll(refused).toHaveLength(2)
    expect(refused()).toMatchObject([
      { profile: 'closed', text: expect.stringMatching(/^401: ./), isProblem: true },
      { profile: 'closed', text: expect.stringMatching(/^401: ./), isProblem: true },
    ])
    expect(JSON.stringify(refused())).not.toContain('not-a-key-of-ours')
  })

  it('has no secret: not by the name of its field, and not by its value', async () => {
    const ada = await openSession(gateway.url())
    const answer = await ada.call('leaking', { password: 'hunter-two', note: canary })
    expect(JSON.stringify(answer)).toContain(canary)
    const text = JSON.stringify(await callsOf('leaking'))
    for (const secret of [canary, 'abc-def-ghi', 'hunter-two']) expect(text).not.toContain(secret)
    await ada.end()
  })

  it('tells what happens to a server', async () => {
    const before = heard.length
    await gateway.gateway.reopen()
    await expect.poll(() => heard.slice(before).map((entry) => entry.kind)).toContain('event')
    expect(heard.slice(before)).toContainEqual(
      expect.objectContaining({ what: 'upstream', server: 'scripted', text: 'is up' }),
    )
  })

  it('takes no part of a call while nobody watches', async () => {
    leave()
    const before = heard.length
    const ada = await openSession(gateway.url())
    const call = await ada.begin('tools/call', { name: 'hi' })
    await call.next(answers(call.id))
    await ada.end()
    expect(gateway.gateway.traffic.entries()).toHaveLength(before)
    leave = gateway.gateway.traffic.watch((entry) => heard.push(entry))
  })
})
