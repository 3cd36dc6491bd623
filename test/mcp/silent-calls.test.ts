import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  answerJson,
  type RawUpstream,
  type SeenCall,
  startRawUpstream,
} from '../fixtures/raw-upstream.ts'
import {
  answers,
  modernWire,
  openSession,
  postWire,
  readWire,
  textOf,
} from '../fixtures/wire-client.ts'

// Edges of tunnels cut an answer of which nothing came for a minute.
const longMs = 30_000

let upstream: RawUpstream
let gateway: TestGateway
let answer = (_text: string) => {}

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  upstream = await startRawUpstream({
    tools: {
      fast: ({ message: { id } }, response) =>
        answerJson(response, { id, result: { resultType: 'complete', content: [] } }),
      slow({ message: { id } }: SeenCall, response: ServerResponse) {
        answer = (text) => {
          const content = [{ type: 'text', text }]
          answerJson(response, { id, result: { resultType: 'complete', content } })
        }
      },
    },
  })
  gateway = await startTestGateway({ servers: { one: { url: upstream.url } } })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
  vi.useRealTimers()
})

const clients = {
  'a 2026 client': async () => modernWire(gateway.url()),
  'a 2025 client': () => openSession(gateway.url()),
}

describe.each(Object.entries(clients))('a call of %s that says nothing', (_, open) => {
  const params = { name: 'slow', arguments: {} }

  it('for long is answered by a stream, which is kept alive', async () => {
    const client = await open()
    const before = upstream.calls.length
    const pending = client.begin('tools/call', params)
    await expect.poll(() => upstream.calls.length).toBe(before + 1)
    vi.advanceTimersByTime(longMs)
    const { id, response, next, ended } = await pending
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    answer('at last')
    expect(textOf(await next(answers(id)))).toBe('at last')
    await ended
  })

  it('for a moment is answered as JSON', async () => {
    const client = await open()
    const before = upstream.calls.length
    const pending = client.begin('tools/call', params)
    await expect.poll(() => upstream.calls.length).toBe(before + 1)
    answer('soon')
    const { id, response, next } = await pending
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(textOf(await next(answers(id)))).toBe('soon')
  })
})

it('answers what a batch has answered already first', async () => {
  const session = await openSession(gateway.url(), { protocolVersion: '2025-03-26' })
  const before = upstream.calls.length
  const batch = ['slow', 'fast'].map((name, id) => ({
    ...{ jsonrpc: '2.0', id, method: 'tools/call' },
    params: { name, arguments: {} },
  }))
  const headers = { 'mcp-session-id': session.id }
  const pending = postWire(gateway.url(), JSON.stringify(batch), { headers })
  await expect.poll(() => upstream.calls.length).toBe(before + 2)
  await session.call('fast')
  vi.advanceTimersByTime(longMs)
  const { messages, ended } = readWire(await pending)
  answer('at last')
  await ended
  expect(messages.map(({ id }) => id)).toEqual([1, 0])
})

it('answers a client that takes JSON alone as JSON, however long that takes', async () => {
  const before = upstream.calls.length
  const client = modernWire(gateway.url(), { accept: 'application/json' })
  const pending = client.begin('tools/call', { name: 'slow', arguments: {} })
  await expect.poll(() => upstream.calls.length).toBe(before + 1)
  vi.advanceTimersByTime(longMs)
  answer('at last')
  const { response } = await pending
  expect(response.headers.get('content-type')).toBe('application/json')
})
