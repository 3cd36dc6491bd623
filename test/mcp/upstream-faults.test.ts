import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../cli/helpers.ts'
import { connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { childrenOf, isProcessAlive } from '../fixtures/processes.ts'
import { fixturePath, startServer } from '../fixtures/start-server.ts'
import { passOn } from '../oauth/client/protected-server.ts'

const closing = closeAfterEach()

describe('one bad upstream', () => {
  it.each([
    ['never answers', stdioFixture('never-answers.ts'), 'starting', undefined],
    [
      'does not exist',
      { command: 'no-such-command-here' },
      'failed',
      /"no-such-command-here" was not found/,
    ],
    ['dies on start', stdioFixture('dies-on-start.ts'), 'failed', /exited with code 3: /],
    ['refuses connections', { url: 'http://127.0.0.1:9/mcp' }, 'failed', /ECONNREFUSED/],
  ] as const)('that %s delays and breaks no other', async (_what, sketch, state, reason) => {
    const gateway = closing(
      await startTestGateway({ servers: { bad: sketch, good: stdioFixture('legacy-stdio.ts') } }),
    )
    const client = closing(await connectClient('v2 modern', gateway.url()))
    await expect
      .poll(async () => (await client.list('tools')).map(({ name }) => name))
      .toContain('good__echo')
    expect(await client.call('good__echo', { text: 'hi' })).toMatchObject({
      content: [{ text: 'hi' }],
    })
    const bad = () =>
      gateway.gateway.status().profiles[0]?.servers.find(({ name }) => name === 'bad')
    await expect.poll(() => bad()?.state).toBe(state)
    if (reason) await expect.poll(() => bad()?.error).toMatch(reason)
  })

  it('that prints garbage on stdout still works', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { noisy: stdioFixture('garbage-stdout.ts') } }),
    )
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    expect((await client.list('tools')).length).toBeGreaterThan(0)
  })
})

describe('a dead stdio child', () => {
  it('is started again and answers the next call', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { one: stdioFixture('legacy-stdio.ts') } }),
    )
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    const first = Number(textOf(await client.call('pid')))
    process.kill(first, 'SIGKILL')
    await expect.poll(() => isProcessAlive(first)).toBe(false)
    await expect
      .poll(async () => Number(textOf(await client.call('pid').catch(() => ({})))))
      .not.toSatisfy((pid: number) => pid === first || Number.isNaN(pid) || pid === 0)
  })

  it('fails the call it died in with its reason, and repeats only what is harmless', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { one: stdioFixture('legacy-stdio.ts') } }),
    )
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    await expect(client.call('crash')).rejects.toMatchObject({
      code: -32000,
      message: expect.stringContaining('exited with code 1'),
    })
    // `slow` is marked read-only: its child dies under it and the call still succeeds.
    const begun = Promise.withResolvers<void>()
    const pid = Number(textOf(await client.call('pid')))
    const slow = client.call(
      'slow',
      { steps: 20, intervalMs: 20 },
      { onprogress: () => begun.resolve() },
    )
    await begun.promise
    process.kill(pid, 'SIGKILL')
    expect(textOf(await slow)).toBe('done after 20 steps')
  })

  it('says how the server ended when it cannot take a message', async () => {
    const gateway = closing(
      await startTestGateway({
        servers: { one: stdioFixture('legacy-stdio.ts') },
        config: { limits: { maxBodyBytes: 32 * 1024 * 1024 } },
      }),
    )
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    // The SDK reads no message over 10 MiB over stdio.
    const text = 'x'.repeat(11 * 1024 * 1024)
    await expect(client.call('echo', { text })).rejects.toMatchObject({
      code: -32000,
      message: expect.stringMatching(/it (exited with code|was killed by)/),
    })
    expect(textOf(await client.call('echo', { text: 'again' }))).toBe('again')
  })

  it('keeps its tools listed while it is down', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { one: stdioFixture('legacy-stdio.ts') } }),
    )
    const client = closing(await connectClient('v2 modern', gateway.url()))
    const before = (await client.list('tools')).length
    await client.call('crash').catch(() => {})
    expect((await client.list('tools')).length).toBe(before)
  })
})

describe('an HTTP upstream', () => {
  it('that was restarted gets a new MCP session without the client noticing', async () => {
    const first = await startServer('legacy-http')
    const gateway = closing(await startTestGateway({ servers: { one: { url: first.url } } }))
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    expect(textOf(await client.call('echo', { text: 'a' }))).toBe('a')
    await first.close()
    closing(await startServer('legacy-http', { port: Number(new URL(first.url).port) }))
    await expect
      .poll(async () => textOf(await client.call('echo', { text: 'b' }).catch(() => ({}))))
      .toBe('b')
  })
})

describe('a call that waits for its upstream', () => {
  it('is served after the restart that ends what it waited for', async () => {
    const { url } = closing(await startServer('modern-http'))
    let holds = false
    let held = 0
    const door = createHttpServer((request, response) => {
      if (holds) held += 1
      else passOn(request, response, url)
    }).listen(0, '127.0.0.1')
    onTestFinished(() => {
      door.close()
      door.closeAllConnections()
    })
    await once(door, 'listening')
    const { port } = door.address() as AddressInfo
    const gateway = closing(
      await startTestGateway({ servers: { one: { url: `http://127.0.0.1:${port}/mcp` } } }),
    )
    const client = closing(await connectClient('v2 modern', gateway.url()))
    expect(textOf(await client.call('echo', { text: 'a' }))).toBe('a')
    holds = true
    const first = gateway.gateway.reopen()
    await expect.poll(() => held).toBeGreaterThan(0)
    const call = client.call('echo', { text: 'b' })
    // It is under way: the gateway answers what came after it.
    await client.list('tools')
    holds = false
    await gateway.gateway.reopen()
    expect(textOf(await call)).toBe('b')
    await first
  })
})

describe('closing the gateway', () => {
  it('leaves no child, not even one that ignores SIGTERM, nor what that started', async () => {
    const gateway = await startTestGateway({
      servers: {
        stubborn: stdioFixture('ignores-sigterm.ts'),
        nice: stdioFixture('legacy-stdio.ts'),
      },
    })
    const client = await connectClient('v1 streamable HTTP', gateway.url())
    const nice = Number(textOf(await client.call('nice__pid')))
    const stubborn = Number(textOf(await client.call('stubborn__pid')))
    const pids = [nice, stubborn, ...childrenOf(stubborn)]
    expect(pids).toHaveLength(3)
    await client.close()
    await gateway.close()
    await expect.poll(() => pids.filter(isProcessAlive)).toEqual([])
  })

  it('does not wait for a server that takes connections and never answers', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/mcp`
    const connected = once(silent, 'connection')
    const gateway = closing(await startTestGateway({ servers: { silent: { url } } }))
    await connected
    await gateway.gateway.close()
  })
})

describe('a stored catalog', () => {
  it('lists the tools of a server that does not start any more', async () => {
    const home = await temporaryFolder()
    const folder = await temporaryFolder()
    const program = join(folder, 'server.ts')
    const sketch = { command: process.execPath, args: [program], cwd: folder }
    await writeFile(program, `await import(${JSON.stringify(fixturePath('legacy-stdio.ts'))})`)
    const first = await startTestGateway({ servers: { one: sketch }, config: { home } })
    const tools = () => first.gateway.status().profiles[0]?.tools ?? 0
    await expect.poll(tools).toBeGreaterThan(5)
    const before = tools()
    await first.close()

    await rm(program)
    const second = closing(await startTestGateway({ servers: { one: sketch }, config: { home } }))
    const client = closing(await connectClient('v2 modern', second.url()))
    expect(await client.list('tools')).toHaveLength(before)
    await expect(client.call('echo', { text: 'hi' })).rejects.toMatchObject({ code: -32000 })
  })
})

function textOf(result: Record<string, unknown>): string {
  return (result.content as { text: string }[] | undefined)?.[0]?.text ?? ''
}
