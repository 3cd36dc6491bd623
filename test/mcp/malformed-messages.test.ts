import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { modernWire, openSession } from '../fixtures/wire-client.ts'
import { startWireServer, type WireServer } from '../fixtures/wire-server.ts'

const tools = ['hi', 'broken'].map((name) => ({ name, inputSchema: { type: 'object' } }))
const hi = { content: [{ type: 'text', text: 'hi' }] }
const page = `<html><body>${'Please sign in. '.repeat(100)}</body></html>`
const brokenLine = `{"jsonrpc":"2.0","id":"$id","result":${'x'.repeat(1_000)}`

/** How a server over HTTP answers the tool `broken`: media type and body. */
const bodies = {
  page: ['text/html', page],
  'broken-json': ['application/json', brokenLine],
  'no-rpc': ['application/json', '{"message":"hello"}'],
  'broken-event': ['text/event-stream', `data: ${brokenLine}\n\n`],
} as const
type Kind = keyof typeof bodies | 'line'
const kinds: readonly Kind[] = [...(Object.keys(bodies) as (keyof typeof bodies)[]), 'line']
const servers: WireServer[] = []
let gateway: TestGateway

async function startBroken(kind: keyof typeof bodies) {
  const [type, body] = bodies[kind]
  const server = await startWireServer({
    answers: {
      'tools/list': () => ({ tools }),
      'tools/call': ({ message, outgoing }) => {
        if (message.params?.name !== 'broken') return hi
        outgoing.writeHead(200, { 'content-type': type }).end(body)
        return undefined
      },
    },
  })
  servers.push(server)
  return [kind, { url: server.url }] as const
}

beforeAll(async () => {
  const script = {
    'tools/list': { tools },
    'tools/call broken': [brokenLine, { id: '$id', result: hi }],
  }
  const overHttp = await Promise.all(
    (Object.keys(bodies) as (keyof typeof bodies)[]).map(startBroken),
  )
  gateway = await startTestGateway({
    servers: {
      ...Object.fromEntries(overHttp),
      line: stdioFixture('scripted-stdio.ts', [JSON.stringify(script)]),
    },
    profiles: Object.fromEntries(kinds.map((kind) => [kind, { servers: [kind] }])),
  })
})
afterAll(async () => {
  await gateway.close()
  for (const server of servers) await server.close()
})

const told = (kind: Kind) =>
  gateway.events.flatMap((event) =>
    event.event === 'warning' && event.message.includes(`"${kind}"`) ? [event] : [],
  )

describe('a malformed message of a server', () => {
  it.each(kinds)('(%s) costs the call it belongs to, and is told once', async (kind) => {
    const ada = await openSession(gateway.url(kind))
    const bob = modernWire(gateway.url(kind))
    for (const client of [ada, bob, ada]) {
      const [broken, fine] = await Promise.all([client.call('broken'), client.call('hi')])
      expect(fine.result).toMatchObject(hi)
      if (kind === 'line') expect(broken.result).toMatchObject(hi)
      else expect(broken.error).toMatchObject({ code: -32000 })
    }
    const [warning, ...more] = told(kind)
    expect(more).toEqual([])
    expect(warning).toMatchObject({ code: 'MALFORMED_MESSAGE' })
    const body =
      kind === 'line' ? brokenLine.replace('"$id"', '') : bodies[kind][1].replace('data: ', '')
    expect(warning?.message).toContain(JSON.stringify(body.slice(0, 20)).slice(1, -1))
    expect(warning?.message.length).toBeLessThan(350)
  })
})
