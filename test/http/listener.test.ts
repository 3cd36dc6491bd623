import { createServer } from 'node:net'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { HttpEnv } from '../../src/http/http-env.ts'
import { openListener } from '../../src/http/listener.ts'
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
