import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { closeAfterEach, oneForAll } from '../fixtures/cleanup.ts'
import { startTestGateway, stdioFixture } from '../fixtures/gateway.ts'

const closing = closeAfterEach()
const start = oneForAll(() =>
  startTestGateway({
    servers: { one: stdioFixture('legacy-stdio.ts') },
    config: {
      allowedHosts: ['allowed.example', 'app.localhost'],
      allowedOrigins: ['https://tools.example'],
    },
  }),
)

interface Answer {
  status: number
  headers: NodeJS.Dict<string | string[]>
  text: string
}

/** Sends exactly these headers: `fetch` would not let a test choose its Host. */
function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(options.body)
  })
}

const rpc = {
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
}
const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  },
})

describe('the host guard', () => {
  it.each([
    ['evil.example', 421],
    ['localhost.evil.example', 421],
    ['localhost', 421],
    ['localhost:1', 421],
    ['user@localhost:PORT', 400],
    ['127.0.0.2:PORT', 421],
    ['localhost:PORT', 200],
    ['LOCALHOST:PORT', 200],
    ['127.0.0.1:PORT', 200],
    ['[::1]:PORT', 421],
    ['app.localhost:PORT', 200],
    ['allowed.example', 200],
  ])('answers Host %s with %i', async (host, status) => {
    const { url } = await start()
    const { port, origin } = new URL(url())
    const answer = await send(`${origin}/health`, { headers: { host: host.replace('PORT', port) } })
    expect(answer.status).toBe(status)
    if (status === 421) expect(answer.text).toContain('allowedHosts\\" in gateway.json')
  })
})

describe('the origin guard', () => {
  it.each([
    ['https://evil.example', 403],
    ['null', 403],
    ['http://localhost.evil.example', 403],
    ['https://tools.example', 200],
    ['http://localhost:6274', 200],
    ['http://127.0.0.1:9', 200],
  ])('answers a page of %s with %i', async (origin, status) => {
    const { url } = await start()
    const headers = { ...rpc, origin }
    const answer = await send(url(), { method: 'POST', headers, body: initialize })
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.text).toContain('allowedOrigins\\" in gateway.json')
    else expect(answer.headers['access-control-allow-origin']).toBe(origin)
  })

  it('lets an allowed page send the headers of MCP and read the session id', async () => {
    const { url } = await start()
    const preflight = await send(url(), {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:6274',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,mcp-protocol-version,mcp-session-id',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-headers']).toContain('mcp-session-id')
    const answer = await send(url(), {
      method: 'POST',
      headers: { ...rpc, origin: 'http://localhost:6274' },
      body: initialize,
    })
    expect(answer.headers['access-control-expose-headers']).toContain('Mcp-Session-Id')
  })
})

describe('the MCP endpoint', () => {
  it.each([
    ['what is not JSON', rpc, '{"jsonrpc":', 400, -32700],
    ['another media type', { ...rpc, 'content-type': 'text/plain' }, initialize, 415, -32000],
    ['no media type', { accept: rpc.accept }, initialize, 415, -32000],
    ['a body over 4 MiB', rpc, `"${'x'.repeat(4 * 1024 * 1024)}"`, 413, -32000],
    [
      'a request outside any session',
      rpc,
      '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
      400,
      -32600,
    ],
    ['an unknown session', { ...rpc, 'mcp-session-id': 'gone' }, initialize, 404, -32001],
  ])('refuses %s as a JSON-RPC error', async (_what, headers, body, status, code) => {
    const { url } = await start()
    const answer = await send(url(), { method: 'POST', headers, body })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: '2.0', error: { code } })
  })

  it('reads bodies up to the limit of the configuration file, as it is now', async () => {
    const gateway = closing(await startTestGateway({ servers: {} }))
    const request = JSON.parse(initialize)
    const _meta = { padding: 'x'.repeat(5_000_000) }
    const body = JSON.stringify({ ...request, params: { ...request.params, _meta } })
    const post = () => send(gateway.url(), { method: 'POST', headers: rpc, body })
    const refused = await post()
    expect(refused.status).toBe(413)
    expect(refused.text).toContain('limits.bodyMiB')
    const limits = { maxBodyBytes: 8 * 1024 * 1024 }
    await gateway.gateway.applyFile({ ...gateway.config, limits })
    expect((await post()).status).toBe(200)
  })

  it('reads no further than the limit where the length is not announced', async () => {
    const { url } = await start()
    const sent = request(url(), { method: 'POST', headers: rpc })
    const answered = new Promise<number | undefined>((resolve, reject) => {
      sent.on('response', (response) => resolve(response.resume().statusCode))
      sent.on('error', reject)
    })
    // One byte too many, and no end. Whoever goes on sending may find the connection closed instead.
    sent.write('x'.repeat(4 * 1024 * 1024))
    sent.write('x')
    expect(await answered).toBe(413)
    sent.on('error', () => {}).destroy()
  })

  it('reads a body that comes in pieces, cut through a character', async () => {
    const { url } = await start()
    const body = Buffer.from(initialize.replace('"test"', '"tést"'))
    const cut = body.indexOf(Buffer.from('é')) + 1
    const sent = request(url(), { method: 'POST', headers: rpc })
    const answered = new Promise<number | undefined>((resolve) => {
      sent.on('response', (response) => resolve(response.resume().statusCode))
    })
    sent.write(body.subarray(0, cut))
    sent.end(body.subarray(cut))
    expect(await answered).toBe(200)
  })

  it('serves the same with and without a trailing slash, and never redirects', async () => {
    const { url } = await start()
    for (const address of [url(), `${url()}/`]) {
      const answer = await send(address, { method: 'POST', headers: rpc, body: initialize })
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('"protocolVersion":"2025-06-18"')
    }
  })

  it('answers an unknown profile with 404 and says where the known ones are', async () => {
    const { url } = await start()
    const address = url().replace(/default$/, 'no-such-profile')
    const answer = await send(address, { method: 'POST', headers: rpc, body: initialize })
    expect(answer.status).toBe(404)
    expect(answer.text).toContain('/api/profiles')
  })

  it.each(['2025-11-25', '2025-06-18', '2025-03-26'])('negotiates revision %s', async (version) => {
    const { url } = await start()
    const body = initialize.replace('2025-06-18', version)
    const answer = await send(url(), { method: 'POST', headers: rpc, body })
    expect(answer.text).toContain(`"protocolVersion":"${version}"`)
  })
})

describe('the status routes', () => {
  it('tell liveness, readiness, profiles and a profile', async () => {
    const { url } = await start()
    const { origin } = new URL(url())
    const json = async (path: string) => JSON.parse((await send(origin + path)).text)
    expect(await json('/health')).toMatchObject({ status: 'ok', version: expect.any(String) })
    await expect.poll(async () => (await send(`${origin}/ready`)).status).toBe(200)
    expect(await json('/api/profiles')).toMatchObject({
      profiles: [{ name: 'default', url: url() }],
    })
    expect(await json('/api/mcp/default/info')).toMatchObject({
      name: 'default',
      servers: [{ name: 'one', state: 'up' }],
      protocolVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'],
    })
  })

  it('is not ready while a server was not tried yet', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { slow: stdioFixture('never-answers.ts') } }),
    )
    const answer = await send(`${new URL(gateway.url()).origin}/ready`)
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('not every configured server was tried yet')
  })
})
