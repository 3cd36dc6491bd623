import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectClient } from '../fixtures/any-client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { defaultAuth } from '../oauth/default-auth.ts'

// What a server, or a proxy before it, may answer instead of MCP: any status with any body. The
// gateway lives on, and whoever asked hears in one short sentence what happened.

const mb = 1024 * 1024
const page = (length: number) =>
  `<!doctype html><html><head><title>Not now</title><style>p { color: red }</style>
<script>if (1 < 2) alert('x')</script></head><body><h1>Come&nbsp;back</h1> <p>later</p>`.padEnd(
    length,
    '<b>!</b> ',
  )
const json = (length: number) =>
  JSON.stringify({
    error: 'not_now',
    error_description: 'Come back later',
    more: 'x'.repeat(length),
  })

/** How a body is sent, by the name of its row. */
const bodies: Readonly<Record<string, (response: ServerResponse) => void>> = {
  nothing: (response) => response.end(),
  'text with escape sequences': (response) => response.end('Come back\x1b[2J\x9b31m\u202elater'),
  '200 B of JSON': (response) => response.end(json(100)),
  '200 B of HTML': (response) => response.end(page(200)),
  '1 MB of JSON': (response) => response.end(json(mb)),
  '1 MB of HTML': (response) => response.end(page(mb)),
  '1 MB of HTML in chunks': (response) => {
    for (let sent = 0; sent < 16; sent += 1)
      response.write(sent === 0 ? page(mb / 16) : 'x'.repeat(mb / 16))
    response.end()
  },
  'HTML that never ends': (response) => {
    response.write(page(200))
    const timer = setInterval(() => response.write('<b>.'), 20)
    response.once('close', () => clearInterval(timer))
  },
  'a JSON-RPC error': (response) =>
    response.end(
      JSON.stringify({
        jsonrpc: '2.0',
        id: null,
        error: { code: -32000, message: `Come back later${'.'.repeat(mb)}` },
      }),
    ),
}
const names = Object.keys(bodies)
const statuses = [401, 403, 404, 429, 500, 502, 503, 504]

let upstream: Awaited<ReturnType<typeof startUpstream>>
beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => upstream.close())

describe.each([
  ['v1 streamable HTTP', 'legacy'],
  ['v2 modern', 'modern'],
] as const)('a call of a %s client that its %s server answers with', (kind, era) => {
  let gateway: TestGateway
  beforeAll(async () => {
    const url = `${upstream.origin}/${era}`
    gateway = await startTestGateway({ servers: { notes: { url } } })
  })
  afterAll(() => gateway.close())

  it.each(names)('%s fails with a short sentence', async (body) => {
    const client = await connectClient(kind, gateway.url())
    for (const status of body === 'HTML that never ends' ? [503] : statuses) {
      const failure = await client.call('answer', { status, body }).catch((error: unknown) => error)
      const { message, code } = failure as { message: string; code: number }
      const what = `${status}: ${message.slice(0, 300)}`
      expect(code, what).toBe(-32000)
      expect(message, what).toContain(`${status} ${STATUS_CODES[status]}`)
      expect(message.length, what).toBeLessThan(500)
      expect(message, what).not.toMatch(/[<>\p{Cc}\p{Cf}]/u)
      if (status === 503 || status === 429) expect(message, what).toContain('Retry-After is 120 s')
      if (body !== 'nothing') expect(message, what).toMatch(/Come back|Come&nbsp;back/)
    }
    await client.close()
  })
})

describe('a server that answers its first request with', () => {
  const rows = (['http', 'sse'] as const).flatMap((type) =>
    ([401, 403, 404, 503] as const).map((status) => [type, status] as const),
  )
  const shown = ['nothing', '200 B of JSON', '1 MB of HTML', 'HTML that never ends']
  const nameOf = (type: string, status: number, body: string) =>
    `${type}-${status}-${shown.indexOf(body)}`
  let gateway: TestGateway
  beforeAll(async () => {
    const servers = rows.flatMap(([type, status]) =>
      shown.map((body) => {
        const url = `${upstream.origin}/first/${status}/${encodeURIComponent(body)}`
        return [nameOf(type, status, body), { url, type, auth: defaultAuth }] as const
      }),
    )
    gateway = await startTestGateway({ servers: Object.fromEntries(servers) })
  })
  afterAll(() => gateway.close())

  /** What is wrong with what is said of a server; undefined when nothing is. */
  function faultOf(name: string, status: number): string | undefined {
    const servers = gateway.gateway.status().profiles[0]?.servers
    const { state, error = '' } = servers?.find((one) => one.name === name) ?? {}
    const isSaid = error.includes(status === 401 ? 'needs a login' : `answered ${status}`)
    const isShort = error.length < 500 && !/[<>\p{Cc}\p{Cf}]/u.test(error)
    const isRight = state === (status === 401 ? 'login-needed' : 'failed')
    return isSaid && isShort && isRight ? undefined : `${name} ${state}: ${error.slice(0, 300)}`
  }

  it.each(rows)('over %s %i and any body is told in a short sentence', async (type, status) => {
    const faults = () => shown.flatMap((body) => faultOf(nameOf(type, status, body), status) ?? [])
    await expect.poll(faults).toEqual([])
  })
})

/** Speaks either era until it is asked to answer with something else. */
async function startUpstream() {
  const server = createServer(async (request, response) => {
    const { origin } = self
    const path = decodeURIComponent(new URL(request.url ?? '/', origin).pathname)
    if (path.startsWith('/.well-known/oauth-protected-resource')) {
      const resource =
        origin + (request.url ?? '').replace('/.well-known/oauth-protected-resource', '')
      return void response.end(JSON.stringify({ resource, authorization_servers: [origin] }))
    }
    const [, first, status, body] = path.split('/')
    if (first === 'first') return refuse(response, { status: Number(status), body: String(body) })
    if (first !== 'legacy' && first !== 'modern') return void response.writeHead(404).end()
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const message = await messageOf(request)
    if (message.method === 'tools/call') return refuse(response, message.params.arguments)
    if (message.id === undefined) return void response.writeHead(202).end()
    const answer = answers[`${first} ${message.method}`]
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        jsonrpc: '2.0',
        id: message.id,
        ...(answer ? { result: answer } : { error: { code: -32601, message: 'no such method' } }),
      }),
    )
  })
  const self = {
    origin: '',
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  self.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return self
}

const tools = [{ name: 'answer', inputSchema: { type: 'object' } }]
const answers: Readonly<Record<string, object>> = {
  'legacy initialize': {
    protocolVersion: '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'test', version: '1' },
  },
  'legacy tools/list': { tools },
  'modern server/discover': {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
  },
  'modern tools/list': { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools },
}

function refuse(
  response: ServerResponse,
  { status, body }: { status: number; body: string },
): void {
  response.statusCode = status
  response.setHeader('content-type', body.includes('JSON') ? 'application/json' : 'text/html')
  if (status === 401) response.setHeader('www-authenticate', 'Bearer scope="mcp"')
  if (status === 429 || status === 503) response.setHeader('retry-after', '120')
  bodies[body]?.(response)
}

async function messageOf(request: IncomingMessage) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
