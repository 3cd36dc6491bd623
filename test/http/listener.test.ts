import { connect, createServer, type Socket } from 'node:net'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { HttpEnv } from '../../src/http/http-env.ts'
import { openListener } from '../../src/http/listener.ts'
import { checked } from '../../src/http/middleware/checks.ts'
import { jsonBody } from '../../src/http/middleware/json-body.ts'
import { boundedRequests } from '../../src/http/middleware/requests-in-flight.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'

const closing = closeAfterEach()
const common = { name: 'http', host: '127.0.0.1', portSetting: 'PORT' } as const

async function takenPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing({ close: () => new Promise<void>((resolve) => server.close(() => resolve())) })
  return (server.address() as { port: number }).port
}

describe('a listener', () => {
  it('moves to the next free port and tells from where', async () => {
    const port = await takenPort()
    const listener = closing(await openListener({ ...common, port, strictPort: false }))
    expect(listener.port).toBeGreaterThan(port)
    expect(listener.movedFrom).toBe(port)
  })

  it('names the program that holds a port when it may not move', async () => {
    const port = await takenPort()
    const opening = openListener({ ...common, port, strictPort: true })
    await expect(opening).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(
        process.platform === 'linux' ? `(pid ${process.pid})` : String(port),
      ),
      hint: expect.stringContaining('PORT'),
    })
  })

  it('explains an address that is not of this machine', async () => {
    const opening = openListener({ ...common, host: '192.0.2.1', port: 0, strictPort: false })
    await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining('HOST') })
  })

  it('keeps early connections waiting until it serves, and ends them all when it closes', async () => {
    const listener = await openListener({ ...common, port: 0, strictPort: false })
    const early = fetch(`http://127.0.0.1:${listener.port}/`)
    const app = new Hono<HttpEnv>()
    app.get('/', (c) => c.text(c.env.listener))
    app.get('/endless', () => new Response(new ReadableStream({ start() {} })))
    listener.serve(app)
    expect(await (await early).text()).toBe('http')
    const endless = await fetch(`http://127.0.0.1:${listener.port}/endless`)
    const reading = endless.text()
    await listener.close()
    await expect(reading).rejects.toThrow()
    await listener.close()
  })
})

/** A connection that sends exactly this, and what came back until its end. */
function send(port: number, text: string): { socket: Socket; ended: Promise<string> } {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    received += chunk
  })
  // Being cut off is what is waited for.
  socket.on('error', () => {})
  if (text !== '') socket.write(text)
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(received)))
  closing({ close: async () => void socket.destroy() })
  return { socket, ended }
}

const post = 'POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

describe('a client that stalls', () => {
  async function listenWith(maxPerSource?: number) {
    const deadlines = { headersMs: 200, requestMs: 400, checkMs: 50 }
    const options = { ...common, port: 0, strictPort: false, deadlines, maxPerSource }
    const listener = closing(await openListener(options))
    const app = new Hono<HttpEnv>()
    app.post('/json', checked(jsonBody(() => 1024)), (c) => c.text('read'))
    app.post('/late', async (c) => {
      await new Promise((resolve) => setTimeout(resolve, 800))
      return c.text('late')
    })
    app.get('/stream', () => {
      let timer: NodeJS.Timeout
      const body = new ReadableStream({
        start(controller) {
          let count = 0
          timer = setInterval(() => {
            count += 1
            controller.enqueue(new TextEncoder().encode(`data: ${count}\n\n`))
            if (count === 10) controller.close()
            if (count === 10) clearInterval(timer)
          }, 100)
        },
        cancel: () => clearInterval(timer),
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    listener.serve(app)
    return listener.port
  }

  it.each([
    ['says nothing', ''],
    ['stalls in the first line', 'POST /js'],
    ['stalls in its headers', post],
    ['stalls before its body', `${post}Content-Length: 10\r\n\r\n`],
    ['stalls in its body', `${post}Content-Length: 10\r\n\r\n{"a"`],
    ['stalls in a chunk', `${post}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a`],
  ])('is cut off when it %s', async (_, text) => {
    const port = await listenWith()
    expect(await send(port, text).ended).not.toContain('read')
  })

  it('delays nobody, and an answer or a stream takes as long as it takes', async () => {
    const port = await listenWith()
    send(port, post)
    const address = `http://127.0.0.1:${port}`
    const [late, stream] = await Promise.all([
      fetch(`${address}/late`, { method: 'POST' }).then((answer) => answer.text()),
      fetch(`${address}/stream`).then((answer) => answer.text()),
    ])
    expect(late).toBe('late')
    expect(stream).toContain('data: 10')
  })

  it('takes the connections of its own address alone, and gives them back', async () => {
    const port = await listenWith(3)
    const open = Array.from({ length: 3 }, () => send(port, `${post}Content-Length: 9\r\n\r\n`))
    await Promise.all(
      open.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))),
    )
    expect(await send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n').ended).toBe('')
    await Promise.all(open.map(({ ended }) => ended))
    const answer = await fetch(`http://127.0.0.1:${port}/late`, { method: 'POST' })
    expect(await answer.text()).toBe('late')
  })
})

describe('the port that tunnels lead to', () => {
  it('has so many open requests of one source, stalled ones included', async () => {
    const options = { ...common, name: 'tunnel', port: 0, strictPort: false } as const
    const listener = closing(await openListener(options))
    const app = new Hono<HttpEnv>()
    app.use(checked(boundedRequests({ sourceOf: (c) => c.req.header('x-source') ?? '', max: 2 })))
    app.post('/json', checked(jsonBody(() => 1024)), (c) => c.text('read'))
    app.get('/', (c) => c.text('served'))
    listener.serve(app)
    const get = async (source: string) =>
      fetch(`http://127.0.0.1:${listener.port}/`, { headers: { 'x-source': source } })
    const stalled = `${post}X-Source: one\r\nContent-Length: 9\r\n\r\n`
    const open = [send(listener.port, stalled), send(listener.port, stalled)]
    await expect.poll(async () => (await get('one')).status).toBe(429)
    expect((await get('one')).headers.get('retry-after')).toBe('5')
    expect((await get('two')).status).toBe(200)
    for (const { socket } of open) socket.destroy()
    await expect.poll(async () => (await get('one')).status).toBe(200)
  })
})
