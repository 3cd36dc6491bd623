import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createApiKeys } from '../../src/oauth/resource-server/api-keys.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { startTestGateway, stdioFixture } from '../fixtures/gateway.ts'

const closing = closeAfterEach()

const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}
const ping = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' })
const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  },
})

/** A gateway whose one profile takes API keys, and the keys of two callers. */
async function startWithKeys() {
  const gateway = closing(
    await startTestGateway({
      servers: { one: stdioFixture('legacy-stdio.ts') },
      profiles: { default: { auth: 'key' } },
    }),
  )
  // A call of a server that nobody has seen yet would be one of an unknown tool.
  await expect.poll(() => gateway.gateway.status().profiles[0]?.tools).toBeGreaterThan(0)
  const store = openSqliteStore(join(gateway.config.home, 'state.sqlite'))
  const apiKeys = createApiKeys({ store, now: Date.now })
  const create = async () => (await apiKeys.create({ profile: 'default' })).key
  const keys = { owner: await create(), other: await create() }
  store.close()
  return { url: gateway.url(), ...keys }
}

describe('an MCP session', () => {
  it('over streamable HTTP answers only the caller who opened it', async () => {
    const { url, owner, other } = await startWithKeys()
    const opened = await fetch(url, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${owner}` },
      body: initialize,
    })
    expect(opened.status).toBe(200)
    await opened.text()
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const as = async (key: string, init: RequestInit) => {
      const authorized = { ...headers, ...session, authorization: `Bearer ${key}` }
      const { status, body } = await fetch(url, { ...init, headers: authorized })
      await body?.cancel()
      return status
    }
    for (const init of [{ method: 'POST', body: ping }, { method: 'GET' }, { method: 'DELETE' }]) {
      expect(await as(other, init)).toBe(404)
    }
    expect(await as(owner, { method: 'POST', body: ping })).toBe(200)
  })

  it('over HTTP+SSE answers only the caller who opened it', async () => {
    const { url, owner, other } = await startWithKeys()
    const leave = new AbortController()
    const stream = await fetch(`${url}/sse`, {
      headers: { authorization: `Bearer ${owner}` },
      signal: leave.signal,
    })
    const first = await stream.body?.getReader().read()
    const path = /data: (\S+)/.exec(Buffer.from(first?.value ?? []).toString())?.[1] ?? ''
    const post = async (key: string) => {
      const authorized = { ...headers, authorization: `Bearer ${key}` }
      const address = new URL(path, url)
      return (await fetch(address, { method: 'POST', headers: authorized, body: initialize }))
        .status
    }
    expect(await post(other)).toBe(404)
    expect(await post(owner)).toBe(202)
    leave.abort()
  })
})

describe('a call that is held for an answer of its user', () => {
  const version = 'io.modelcontextprotocol/protocolVersion'
  const _meta = {
    [version]: '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
  }

  it('goes on for the caller who made it alone', async () => {
    const { url, owner, other } = await startWithKeys()
    const call = async (key: string, more: object) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          ...headers,
          authorization: `Bearer ${key}`,
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'ask_user',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 3,
          method: 'tools/call',
          params: { name: 'ask_user', arguments: { message: 'Who?' }, _meta, ...more },
        }),
      })
      return (await response.json()) as {
        result?: {
          requestState?: string
          inputRequests?: Record<string, unknown>
          content?: unknown
        }
        error?: { code: number }
      }
    }
    const { result: asked } = await call(owner, {})
    const [key = ''] = Object.keys(asked?.inputRequests ?? {})
    const answer = {
      requestState: asked?.requestState,
      inputResponses: { [key]: { action: 'accept', content: { name: 'Ada' } } },
    }
    expect(await call(other, answer)).toMatchObject({ error: { code: -32602 } })
    const { result } = await call(owner, answer)
    expect(JSON.stringify(result)).toContain('Ada')
  })
})
