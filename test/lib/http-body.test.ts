import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { discardBody, readBeginning, webBody } from '../../src/lib/http-body.ts'

// Bodies come from a real server by undici, since it is their timing that matters. An error that
// nobody can catch fails the run by itself.

const mb = 1024 * 1024
const closed: string[] = []
const server = createServer((incoming, response) => {
  const { url = '' } = incoming
  response.once('close', () => closed.push(url))
  if (url === '/empty') response.end()
  else if (url === '/short') response.end('short')
  else if (url === '/long') response.end('x'.repeat(8 * mb))
  else if (url === '/broken') response.write('x', () => response.destroy())
  else {
    response.write('slow')
    const timer = setInterval(() => response.write('.'), 5)
    response.once('close', () => clearInterval(timer))
  }
})
const dispatcher = new Agent()
let origin = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await dispatcher.destroy()
  server.closeAllConnections()
  server.close()
})

const paths = ['/empty', '/short', '/long', '/broken', '/endless']

async function get(path: string): Promise<Response> {
  const { body } = await request(origin + path, { dispatcher })
  return new Response(webBody(body))
}

describe('a body as a web stream', () => {
  it('is whole for whoever reads it', async () => {
    expect(await (await get('/short')).text()).toBe('short')
    expect(await (await get('/long')).text()).toHaveLength(8 * mb)
    await expect((await get('/broken')).text()).rejects.toThrow()
  })

  it.each(paths)('may be cancelled before, while and after it is read: %s', async (path) => {
    await (await get(path)).body?.cancel()
    const reader = (await get(path)).body?.getReader()
    const reading = reader?.read().catch(() => undefined)
    await reader?.cancel()
    await reading
    const late = (await get(path)).body?.getReader()
    await late?.read().catch(() => undefined)
    await late?.cancel().catch(() => undefined)
  })

  it('ends the connection when it is cancelled', async () => {
    closed.length = 0
    await (await get('/endless')).body?.cancel()
    await expect.poll(() => closed).toContain('/endless')
  })
})

describe('a body that nobody wants', () => {
  it.each(paths)('is gone soon, and takes no error with it: %s', async (path) => {
    closed.length = 0
    await discardBody(await get(path))
    await expect.poll(() => closed).toContain(path)
  })
})

it('the beginning of a body is as long as asked for, or what has come by then', async () => {
  const limits = { maxBytes: 1_000, maxMs: 10_000 }
  expect(await readBeginning(await get('/long'), limits)).toHaveLength(1_000)
  expect((await readBeginning(await get('/short'), limits)).toString()).toBe('short')
  const soon = await readBeginning(await get('/endless'), { maxBytes: mb, maxMs: 50 })
  expect(soon.toString()).toMatch(/^slow/)
  expect(await readBeginning(new Response(null), limits)).toHaveLength(0)
})
