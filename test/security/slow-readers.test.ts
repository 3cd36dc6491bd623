import type { ServerResponse } from 'node:http'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { maxQueuedBytes } from '../../src/mcp/endpoint/client-streams.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  answerEvents,
  type RawUpstream,
  startRawUpstream,
  textResult,
} from '../fixtures/raw-upstream.ts'

/** What the tool says before it answers: far more than may wait. */
const messages = 480
const messageBytes = 64 * 1024
const data = 'x'.repeat(messageBytes)

let upstream: RawUpstream
let gateway: TestGateway
/** Resolves when the tool has said everything, or its caller is gone. */
let said = Promise.withResolvers<void>()

async function flood(response: ServerResponse, id: number): Promise<void> {
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  void closed.then(() => said.resolve())
  const send = answerEvents(response)
  for (let count = 0; count < messages && !response.destroyed; count += 1) {
    send({ method: 'notifications/message', params: { level: 'error', data } })
    // Client, gateway and server share this process: each gets its turn.
    await new Promise((resolve) => setImmediate(resolve))
    if (!response.writableNeedDrain) continue
    await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))])
  }
  send({ id, result: textResult('the end') })
  response.end()
}

beforeAll(async () => {
  upstream = await startRawUpstream({
    tools: { flood: ({ message }, response) => void flood(response, message.id) },
  })
  gateway = await startTestGateway({ servers: { one: { url: upstream.url } } })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const headers = {
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
}
const clientInfo = { name: 'test', version: '1' }
const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/logLevel': 'debug',
}
const initialize = {
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo },
}
const call = { method: 'tools/call', params: { name: 'flood', arguments: {} } }
const body = (message: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })

interface Stream {
  readonly first: Promise<string>
  /** Reads from now on. */
  read(): void
  /** How many bytes came, and the last of them. */
  received(): { bytes: number; tail: string }
  readonly ended: Promise<void>
}

/** Opens a stream and reads its head, and no more before it is told to. */
function open(url: string, options: { method?: string; headers?: object; body?: string } = {}) {
  return new Promise<Stream>((resolve, reject) => {
    const sent = request(url, {
      method: options.method ?? 'POST',
      headers: { ...headers, ...options.headers },
    })
    sent.on('error', reject).on('response', (response) => {
      let bytes = 0
      let tail = ''
      const take = (chunk: Buffer) => {
        bytes += chunk.byteLength
        tail = (tail + chunk.toString()).slice(-1_000)
        return tail
      }
      // It is cut off on purpose.
      response.on('error', () => {})
      resolve({
        first: new Promise((done) => {
          response.once('readable', () => done(take(response.read() as Buffer)))
        }),
        read: () => void response.on('data', take),
        received: () => ({ bytes, tail }),
        ended: new Promise((done) => response.once('close', done)),
      })
    })
    sent.end(options.body)
  })
}

/** A stream that everything the tool says goes to. */
const streams: [what: string, begin: () => Promise<Stream>][] = [
  [
    'of a 2026-07-28 call',
    () =>
      open(gateway.url(), {
        headers: {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'flood',
        },
        body: body({ ...call, params: { ...call.params, _meta } }),
      }),
  ],
  [
    'of a 2025 call',
    async () => {
      const opened = await fetch(gateway.url(), { method: 'POST', headers, body: body(initialize) })
      await opened.text()
      const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
      return open(gateway.url(), { headers: session, body: body(call) })
    },
  ],
  [
    'of HTTP+SSE',
    async () => {
      const stream = await open(`${gateway.url()}/sse`, { method: 'GET' })
      const [, path = ''] = /data: (\S+)/.exec(await stream.first) ?? []
      const post = (message: object) =>
        fetch(new URL(path, gateway.url()), { method: 'POST', headers, body: body(message) })
      await post(initialize)
      await post({ ...call, id: 2 })
      return stream
    },
  ],
]

describe.each(streams)('the stream %s', (_, begin) => {
  it('ends when its client does not read, before much waits for it', async () => {
    said = Promise.withResolvers()
    const stream = await begin()
    await said.promise
    stream.read()
    await stream.ended
    const { bytes, tail } = stream.received()
    // What is being sent, and what the sockets on the way hold, comes on top.
    expect(bytes).toBeLessThan(3 * maxQueuedBytes)
    expect(tail).not.toContain('the end')
  })

  it('brings everything to a client that reads', async () => {
    said = Promise.withResolvers()
    const stream = await begin()
    stream.read()
    await said.promise
    await expect.poll(() => stream.received().tail).toContain('the end')
    expect(stream.received().bytes).toBeGreaterThan(messages * messageBytes)
  })
})
