import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Pool } from 'undici'
import type { Era } from '../src/mcp/wire/protocol.ts'

/** A client that costs as little as it can: one MCP session of 2025, or 2026-07-28 requests. */
export interface Client {
  /** @returns the answer's text */
  request(method: string, params?: object): Promise<string>
  /** How long the first byte of the answer takes, µs; the rest is read as well. */
  firstByte(method: string, params: object): Promise<number>
  readonly headers: Readonly<Record<string, string>>
}

const revision = '2026-07-28'
const envelope = {
  'io.modelcontextprotocol/protocolVersion': revision,
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const hello = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'bench', version: '1' },
}

/** Opens a client over a pool of connections. */
export async function openClient(
  era: Era,
  { pool, path, authorization }: { pool: Pool; path: string; authorization?: string },
): Promise<Client> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(authorization !== undefined && { authorization }),
  }
  let id = 0
  const send = async (method: string, params: object | undefined) => {
    const isNotification = method.startsWith('notifications/')
    const all = era === 'modern' ? { ...params, _meta: { ...metaOf(params), ...envelope } } : params
    const message = { jsonrpc: '2.0', ...(!isNotification && { id: ++id }), method, params: all }
    const own = era === 'modern' ? modernHeaders(method, params) : {}
    const body = JSON.stringify(message)
    const answer = await pool.request({
      path,
      method: 'POST',
      headers: { ...headers, ...own },
      body,
    })
    if (answer.statusCode >= 300) {
      throw new Error(`${method}: HTTP ${answer.statusCode} ${await answer.body.text()}`)
    }
    return answer
  }
  const client: Client = {
    headers,
    async request(method, params) {
      const text = await (await send(method, params)).body.text()
      if (text.includes('"error":')) throw new Error(`${method}: ${text.slice(0, 500)}`)
      return text
    },
    async firstByte(method, params) {
      const startedAt = performance.now()
      const { body } = await send(method, params)
      const ended = once(body, 'end')
      await once(body, 'data')
      const micros = (performance.now() - startedAt) * 1000
      await ended
      return micros
    },
  }
  if (era === 'legacy') {
    const answer = await send('initialize', hello)
    const session = answer.headers['mcp-session-id']
    await answer.body.dump()
    if (typeof session === 'string') headers['mcp-session-id'] = session
    headers['mcp-protocol-version'] = hello.protocolVersion
    await client.request('notifications/initialized')
  }
  return client
}

function metaOf(params: object | undefined): object {
  return (params as { _meta?: object } | undefined)?._meta ?? {}
}

function modernHeaders(method: string, params: object | undefined): Record<string, string> {
  const { name } = (params ?? {}) as { name?: string }
  return {
    'mcp-protocol-version': revision,
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': name }),
  }
}

/** A client of the deprecated HTTP+SSE transport, which is what mcp-hub serves. */
export async function openSseClient({ pool, path }: { pool: Pool; path: string }): Promise<Client> {
  const waiting = new Map<number, (text: string) => void>()
  const endpoint = Promise.withResolvers<string>()
  const stream = await pool.request({
    path,
    method: 'GET',
    headers: { accept: 'text/event-stream' },
  })
  let event = ''
  // Its end is the end of the measurement.
  stream.body.on('error', () => {})
  const lines = createInterface({ input: stream.body })
  lines.on('error', () => {})
  lines.on('line', (line) => {
    if (line.startsWith('event: ')) event = line.slice(7)
    if (!line.startsWith('data: ')) return
    const data = line.slice(6)
    if (event === 'endpoint') return endpoint.resolve(data)
    const { id } = JSON.parse(data)
    waiting.get(id)?.(data)
    waiting.delete(id)
  })
  const to = await endpoint.promise
  let lastId = 0
  const request: Client['request'] = async (method, params) => {
    const isNotification = method.startsWith('notifications/')
    const id = ++lastId
    const message = { jsonrpc: '2.0', ...(!isNotification && { id }), method, params }
    const answered = isNotification
      ? Promise.resolve('')
      : new Promise<string>((resolve) => waiting.set(id, resolve))
    const headers = { 'content-type': 'application/json' }
    const post = await pool.request({
      path: to,
      method: 'POST',
      headers,
      body: JSON.stringify(message),
    })
    await post.body.dump()
    if (post.statusCode >= 300) throw new Error(`${method}: HTTP ${post.statusCode}`)
    const text = await answered
    if (text.includes('"error":')) throw new Error(`${method}: ${text.slice(0, 500)}`)
    return text
  }
  await request('initialize', hello)
  await request('notifications/initialized')
  return { request, headers: {}, firstByte: () => Promise.reject(new Error('not measured')) }
}
