import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { createHttpSender } from '../../../src/lib/http-sender.ts'
import { createProbeStreams } from '../../../src/tunnels/probe-stream.ts'
import { createHostResolver, lookupWith } from '../../../src/tunnels/resolve-host.ts'
import { createCanConnect, createTunnelEdge } from '../../../src/tunnels/tunnel-edge.ts'
import { proveFake } from './prove.ts'

const never = new AbortController().signal
const anyName = async () =>
  ({ kind: 'found', addresses: [{ address: '127.0.0.1', family: 4 }] }) as const
const resolveHost = createHostResolver({ open: [anyName], system: anyName, now: Date.now })
const streams = createProbeStreams(systemClock)

/** The two routes of the gateway, as the owner mounts them. */
const serveGateway = getRequestListener(async (request) => {
  const { pathname } = new URL(request.url)
  const last = pathname.split('/').at(-1) ?? ''
  return pathname.startsWith('/api/proof/')
    ? Response.json({ proof: proveFake(last) })
    : streams.serve(last, request.signal)
})

async function listen(listener: RequestListener, port = 0): Promise<Server & { port: number }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close().closeAllConnections())
  return Object.assign(server, { port: (server.address() as AddressInfo).port })
}

function openEdge() {
  return createTunnelEdge({
    prove: proveFake,
    streams,
    createSender: (options) => createHttpSender({ ...options, lookup: lookupWith(resolveHost) }),
    canConnect: createCanConnect(resolveHost),
    clock: systemClock,
  })
}

/** An edge that passes a GET's answer on only once it is complete, as quick tunnels do. */
function holdsBackGet(gateway: number): RequestListener {
  return async (incoming, outgoing) => {
    const url = `http://127.0.0.1:${gateway}${incoming.url}`
    const method = incoming.method ?? 'GET'
    const answer = await fetch(url, { method })
    outgoing.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    if (method === 'GET') return outgoing.end(await answer.text())
    for await (const chunk of answer.body ?? []) outgoing.write(chunk)
    outgoing.end()
  }
}

const probing = { skipInterstitialHeader: undefined, signal: never, onProgress: () => {} }

describe('a probe over real connections', () => {
  it('finds the streams of a plain address live, by a name only our resolver knows', async () => {
    const { port } = await listen(serveGateway)
    const result = await openEdge().probe(`http://quiet-otter.example:${port}`, probing)
    expect(result).toMatchObject({
      ok: true,
      verdict: { post: { state: 'live' }, get: { state: 'live' }, interstitial: { state: 'none' } },
    })
  })

  it('tells an edge that holds back GET from one that does not', async () => {
    const gateway = await listen(serveGateway)
    const { port } = await listen(holdsBackGet(gateway.port))
    const result = await openEdge().probe(`http://127.0.0.1:${port}`, probing)
    expect(result).toMatchObject({
      ok: true,
      verdict: { post: { state: 'live' }, get: { state: 'withheld' } },
    })
  })
})

describe('a health line', () => {
  it('is told when the edge ends its connection, but not when it does so by habit', async () => {
    let now = 0
    const clock = { ...systemClock, now: () => now }
    const server = await listen(serveGateway)
    const dropped = Promise.withResolvers<void>()
    let drops = 0
    const edge = createTunnelEdge({
      prove: proveFake,
      streams,
      createSender: (options) => createHttpSender(options),
      canConnect: createCanConnect(resolveHost),
      clock,
    })
    const line = edge.openHealthLine(`http://127.0.0.1:${server.port}`, {
      onDropped() {
        drops += 1
        dropped.resolve()
      },
    })
    onTestFinished(() => line.close())
    expect(await line.check(never)).toEqual({ ok: true })
    // At once after an answer: a server without keep-alive.
    server.closeAllConnections()
    expect(await line.check(never)).toEqual({ ok: true })
    now += 3_000
    server.closeAllConnections()
    await dropped.promise
    expect(drops).toBe(1)
  })

  it('says what is wrong', async () => {
    const server = await listen((_, outgoing) => outgoing.writeHead(502).end())
    const line = openEdge().openHealthLine(`http://127.0.0.1:${server.port}`, {
      onDropped: () => {},
    })
    onTestFinished(() => line.close())
    expect(await line.check(never)).toEqual({ ok: false, reason: 'it answered HTTP 502' })
  })
})

describe('a look at the edge', () => {
  it.each([
    [404, 'answering'],
    [503, 'failing'],
  ])('with HTTP %d at the address is %s', async (status, view) => {
    const { port } = await listen((_, outgoing) => outgoing.writeHead(status).end())
    const places = { publicUrl: `http://127.0.0.1:${port}`, service: undefined }
    expect(await openEdge().look(places, never)).toBe(view)
  })

  it('with a service that refuses connections is silent, whatever the address says', async () => {
    const { port } = await listen(serveGateway)
    const gone = await listen(serveGateway)
    await new Promise((resolve) => gone.close(resolve))
    const service = new URL(`tls://service.example:${gone.port}`)
    const publicUrl = `http://127.0.0.1:${port}`
    expect(await openEdge().look({ publicUrl, service }, never)).toBe('silent')
    const back = new URL(`tls://service.example:${port}`)
    expect(await openEdge().look({ publicUrl, service: back }, never)).toBe('answering')
  })
})
