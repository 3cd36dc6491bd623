import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { postWire, takeUpSession } from '../fixtures/wire-client.ts'

// What a client says of itself goes into the id of its session, which is a header.

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({ servers: { one: stdioFixture('scripted-stdio.ts') } })
})
afterAll(() => gateway.close())

function initialize(clientInfo: object, capabilities: object = {}): Promise<Response> {
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo }
  return postWire(gateway.url(), { jsonrpc: '2.0', id: 1, method: 'initialize', params })
}
const named = { name: 'wire', version: '1' }
const icon = (length: number) => ({ src: `data:image/png;base64,${'A'.repeat(length)}` })

it.each([0, 9_000, 20_000, 200_000])('takes a client with an icon of %s characters', async (n) => {
  const response = await initialize({ ...named, icons: [icon(n)] })
  expect(response.status).toBe(200)
  const id = response.headers.get('mcp-session-id') ?? ''
  expect(id.length).toBeLessThan(8_000)
  const { result } = await takeUpSession(gateway.url(), id).call('hi')
  expect(result).toMatchObject({ content: [{ text: 'hi' }] })
})

it.each([
  ['an icon of megabytes', { ...named, icons: [icon(3_000_000)] }, {}],
  ['a name of 20,000 characters', { ...named, name: 'x'.repeat(20_000) }, {}],
  ['capabilities of 20,000 characters', named, { experimental: { x: 'x'.repeat(20_000) } }],
])('refuses %s, and says so', async (_, clientInfo, capabilities) => {
  const response = await initialize(clientInfo, capabilities)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ id: 1, error: { code: -32602 } })
})

it.each([
  ['capabilities', '"capabilities":NESTED,"clientInfo":{"name":"wire","version":"1"}'],
  ['a title', '"capabilities":{},"clientInfo":{"name":"wire","version":"1","title":NESTED}'],
])('refuses %s of 20,000 levels, and says so', async (_, said) => {
  const nested = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
  const params = `{"protocolVersion":"2025-11-25",${said.replace('NESTED', nested)}}`
  const message = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${params}}`
  const response = await postWire(gateway.url(), message)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    id: 1,
    error: { code: -32602, message: expect.stringContaining('nested too deeply') },
  })
})
