import { type IncomingMessage, request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { oneForAll } from '../fixtures/cleanup.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { startOneChunkServer } from '../fixtures/one-chunk.ts'

const steps = 5

const initialize = {
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1.0.0' },
  },
}
const call = {
  id: 2,
  method: 'tools/call',
  params: { name: 'steps', arguments: {}, _meta: { progressToken: 'mine' } },
}

/** What the client is told of its call, as it stands on the socket. */
const expected = [...Array.from({ length: steps }, (_, index) => index + 1), 'answer']

function post(url: string, message: object, headers: object = {}): Promise<IncomingMessage> {
  const accept = 'application/json, text/event-stream'
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', ...headers },
    })
    sent.once('response', resolve).once('error', reject)
    sent.end(JSON.stringify({ jsonrpc: '2.0', ...message }))
  })
}

/** The messages about the call, in the order in which they come, until it is answered. */
async function readCall(events: AsyncIterable<Event>): Promise<unknown[]> {
  const told: unknown[] = []
  for await (const { data } of events) {
    const message = JSON.parse(data)
    if (message.method === 'notifications/progress') told.push(message.params.progress)
    if (message.id === call.id) return [...told, 'answer']
  }
  return told
}

interface Event {
  readonly event: string
  readonly data: string
}

async function* eventsOf(stream: IncomingMessage): AsyncGenerator<Event> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    const blocks = `${text}${chunk}`.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
      if (field('data') !== '') yield { event: field('event'), data: field('data') }
    }
  }
}

describe.each(['http', 'sse'] as const)('over %s to the server', (type) => {
  const upstream = oneForAll(() => startOneChunkServer(steps))
  const gateway = oneForAll(async () =>
    startTestGateway({ servers: { one: { type, url: (await upstream()).url[type] } } }),
  )

  it('an HTTP+SSE client is told of progress before the answer, all of it', async () => {
    const url = (await gateway()).url()
    const stream = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(`${url}/sse`, { agent: false })
      sent.once('response', resolve).once('error', reject).end()
    })
    onTestFinished(() => void stream.destroy())
    const events = eventsOf(stream)
    const { value: endpoint } = await events.next()
    const send = async (message: object) =>
      (await post(new URL((endpoint as Event).data, url).href, message)).resume()
    await send(initialize)
    await events.next()
    await send({ method: 'notifications/initialized' })
    await send(call)
    expect(await readCall(events)).toEqual(expected)
  })

  it('a streamable HTTP client is told of progress before the answer, all of it', async () => {
    const url = (await gateway()).url()
    const opened = await post(url, initialize)
    opened.resume()
    const session = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
    ;(await post(url, { method: 'notifications/initialized' }, session)).resume()
    expect(await readCall(eventsOf(await post(url, call, session)))).toEqual(expected)
  })
})
