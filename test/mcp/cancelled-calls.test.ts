import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts'
import { modernWire, openSession, seenBy } from '../fixtures/wire-client.ts'
import { startWireServer, type WireServer } from '../fixtures/wire-server.ts'

const tools = ['hi', 'never', 'seen'].map((name) => ({ name, inputSchema: { type: 'object' } }))
const stdio = stdioFixture('scripted-stdio.ts', [
  JSON.stringify({ 'tools/list': { tools }, 'tools/call never': null }),
])
let legacy: WireServer
let modern: RawUpstream
let gateway: TestGateway
/** Requests to the 2025 server whose connection ended before an answer. */
let aborted = 0

beforeAll(async () => {
  legacy = await startWireServer({
    answers: {
      'tools/list': () => ({ tools }),
      'tools/call': ({ outgoing }) => {
        outgoing.once('close', () => {
          aborted += 1
        })
        return undefined
      },
    },
  })
  modern = await startRawUpstream({ tools: { never: () => {} } })
  gateway = await startTestGateway({
    servers: { legacy: { url: legacy.url }, modern: { url: modern.url }, stdio },
    profiles: Object.fromEntries(
      ['legacy', 'modern', 'stdio'].map((one) => [one, { servers: [one] }]),
    ),
  })
})
afterAll(async () => {
  await gateway.close()
  await Promise.all([legacy.close(), modern.close()])
})

/** What shows that a server has a call, and that it knows that the call is not wanted any more. */
const signs = {
  legacy: {
    begun: async () => legacy.seen.filter(({ message }) => message.params?.name === 'never').length,
    told: async () =>
      Math.min(
        aborted,
        legacy.seen.filter(({ message }) => message.method === 'notifications/cancelled').length,
      ),
  },
  modern: { begun: async () => modern.calls.length, told: async () => modern.cancelled() },
  stdio: {
    begun: async () =>
      (await seenBy(await openSession(gateway.url('stdio')))).filter(
        ({ params }) => params?.name === 'never',
      ).length,
    async told() {
      const seen = await seenBy(await openSession(gateway.url('stdio')))
      const ids = seen.filter(({ params }) => params?.name === 'never').map(({ id }) => id)
      return seen.filter(
        ({ method, params }) =>
          method === 'notifications/cancelled' && ids.includes(params?.requestId as number),
      ).length
    },
  },
}
const servers = Object.keys(signs) as (keyof typeof signs)[]

describe('a call that is cancelled', () => {
  it.each(servers)('by a 2025 client ends its POST at once, and at a %s server', async (name) => {
    const { begun, told } = signs[name]
    const [begunBefore, toldBefore] = [await begun(), await told()]
    const ada = await openSession(gateway.url(name))
    const params = { name: 'never', arguments: {} }
    const posted = ada.post({ id: 'n', method: 'tools/call', params })
    await expect.poll(begun).toBe(begunBefore + 1)
    const reason = 'not wanted'
    expect(await ada.notify('notifications/cancelled', { requestId: 'n', reason })).toBe(202)
    expect(await (await posted).text()).toBe('')
    await expect.poll(told).toBe(toldBefore + 1)
    await ada.end()
  })

  it.each(servers)('by a 2026 client that leaves ends at a %s server', async (name) => {
    const { begun, told } = signs[name]
    const [begunBefore, toldBefore] = [await begun(), await told()]
    const leave = new AbortController()
    const left = modernWire(gateway.url(name)).call('never', {}, leave)
    await expect.poll(begun).toBe(begunBefore + 1)
    leave.abort()
    await expect(left).rejects.toThrow()
    await expect.poll(told).toBe(toldBefore + 1)
  })
})
