import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { modernWire, openSession, postWire, readWire } from '../fixtures/wire-client.ts'
import { startWireServer, type WireServer } from '../fixtures/wire-server.ts'

const json = 'application/json'
const events = 'text/event-stream'
const log = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: 1 } }
let server: WireServer
let gateway: TestGateway

beforeAll(async () => {
  server = await startWireServer({
    capabilities: { tools: {}, logging: {} },
    answers: {
      'tools/call': ({ message: { id, params }, outgoing }) => {
        const result = { content: [] }
        if (params?.name !== 'talk') return result
        outgoing.writeHead(200, { 'content-type': events })
        for (const one of [log, { jsonrpc: '2.0', id, result }]) {
          outgoing.write(`data: ${JSON.stringify(one)}\n\n`)
        }
        outgoing.end()
        return undefined
      },
    },
  })
  gateway = await startTestGateway({ servers: { one: { url: server.url } } })
})
afterAll(async () => {
  await gateway.close()
  await server.close()
})

describe('a 2025 client that takes', () => {
  it.each([
    ['*/*', json, events],
    [`${json}, ${events}`, json, events],
    [`${events};q=0.5, ${json}`, json, events],
    ['application/*, text/*', json, events],
    [json, json, json],
    [events, events, events],
  ])('"%s" is answered in %s, and with a log message in %s', async (accept, quiet, talking) => {
    const ada = await openSession(gateway.url(), { headers: { accept } })
    for (const [name, type] of [
      ['hi', quiet],
      ['talk', talking],
    ]) {
      const { response, next } = await ada.begin('tools/call', { name, arguments: {} })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe(type)
      expect((await next(({ result }) => result !== undefined)).result).toEqual({ content: [] })
    }
    await ada.end()
  })

  it.each(['text/html', 'image/*'])('"%s" alone is refused, with the reason', async (accept) => {
    const ada = await openSession(gateway.url())
    const response = await ada.post({ id: 1, method: 'ping' }, { headers: { accept } })
    expect(response.status).toBe(406)
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringMatching(/Client must accept application\/json/) },
    })
    await ada.end()
  })
})

describe('initialize', () => {
  it.each(['*/*', json, events])('is answered to a client that takes "%s"', async (accept) => {
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    }
    const message = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
    const response = await postWire(gateway.url(), message, { headers: { accept } })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(accept === events ? events : json)
    const { result } = await readWire(response).next(({ id }) => id === 1)
    expect(result).toMatchObject({ protocolVersion: '2025-06-18' })
  })
})

describe('a 2026 client that takes', () => {
  it.each(['*/*', json, events])('"%s" is answered', async (accept) => {
    const bob = modernWire(gateway.url(), { accept })
    const { response, next } = await bob.begin('tools/call', { name: 'hi', arguments: {} })
    expect(response.headers.get('content-type')).toBe(accept === events ? events : json)
    expect((await next(({ id }) => id !== undefined)).result).toMatchObject({ content: [] })
  })
})

describe('an endpoint', () => {
  it.each([
    ['', 'GET, POST, DELETE'],
    ['/sse', 'GET'],
    ['/messages', 'POST'],
  ])('%s says which methods it knows', async (path, allowed) => {
    for (const method of ['HEAD', 'PUT', 'PATCH', ...(allowed === 'POST' ? ['GET'] : [])]) {
      const response = await fetch(`${gateway.url()}${path}`, { method })
      expect([method, response.status]).toEqual([method, 405])
      expect(response.headers.get('allow')).toBe(allowed)
      await response.body?.cancel()
    }
  })
})
