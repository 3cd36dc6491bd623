import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../src/lib/logger.ts'
import { tellingLine } from '../../src/mcp/upstreams/last-words.ts'
import { connectClient } from '../fixtures/any-client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

// What a server writes to its standard error is between it and its owner: callers hear that it ended
// and how, the owner reads the line that says why, without keys and in one printable line.

const key = 'sk-proj-0123456789abcdefghij'
const password = 'correct horse battery'
const dying = `
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (method === 'initialize') send({ id, result: {
    protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } } })
  else if (method === 'tools/list') send({ id, result: { tools: [{ name: 'die', inputSchema: { type: 'object' } }] } })
  else if (method === 'tools/call') {
    console.error('connecting with ${key} and ' + process.env.DB_PASSWORD)
    console.error('\\x1b[2J\\x1b]0;owned\\x07 \\x9b31m \\u202e reading ' + process.env.DB_PASSWORD)
    setTimeout(() => { throw new Error('kaboom: ${key} \\x1b[2J') }, 20)
  } else if (id !== undefined) send({ id, error: { code: -32601, message: 'no' } })
})`
const secrets = [key, password]
const unfit = /[\p{Cc}\p{Cf}]/u

describe('a stdio server that prints a key and escape sequences and ends during a call', () => {
  let gateway: TestGateway
  const logged: string[] = []
  beforeAll(async () => {
    const logger = createLogger({
      level: 'debug',
      destination: { write: (line) => logged.push(line) },
    })
    gateway = await startTestGateway({
      servers: {
        one: { command: process.execPath, args: ['-e', dying], env: { DB_PASSWORD: password } },
        missing: { command: 'no-such-program' },
        early: { command: process.execPath, args: ['-e', 'throw new Error("too early")'] },
        nowhere: { command: process.execPath, cwd: '/no/such/folder' },
      },
      logger,
    })
  })
  afterAll(() => gateway.close())

  const server = (name: string) =>
    gateway.gateway.status().profiles[0]?.servers.find((one) => one.name === name)

  it.each(['v1 streamable HTTP', 'v2 modern'] as const)(
    'tells a %s client that it ended, and how',
    async (kind) => {
      const client = await connectClient(kind, gateway.url())
      await expect
        .poll(async () => (await client.list('tools')).map(({ name }) => name))
        .toContain('one__die')
      await expect(client.call('one__die')).rejects.toMatchObject({
        code: -32000,
        message: expect.stringMatching(/upstream "one" failed: it exited with code 1$/),
      })
      await client.close()
    },
  )

  it('tells its owner the line that says what happened, and where the rest can be read', async () => {
    const told = () =>
      gateway.events.filter((event) => event.event === 'upstream' && event.state === 'failed')
    await expect.poll(() => JSON.stringify(told())).toContain('Error: kaboom')
    expect(told()).toContainEqual(
      expect.objectContaining({
        server: 'one',
        error:
          'it exited with code 1: Error: kaboom: REDACTED \\x1b[2J (LOG_LEVEL=debug shows all it writes)',
      }),
    )
  })

  it('tells it at once when a server ends before it was reached', async () => {
    const told = () =>
      gateway.events.find(
        (event) =>
          event.event === 'upstream' && event.server === 'early' && event.state === 'failed',
      )
    await expect.poll(told).toMatchObject({ error: expect.stringContaining('Error: too early') })
  })

  it('leaves no key and no control character in events, status and log', async () => {
    expect(logged.filter((line) => line.includes('connecting with')).length).toBeGreaterThan(0)
    const { origin } = new URL(gateway.url())
    const profiles = await (await fetch(`${origin}/api/profiles`)).text()
    const all = [...gateway.events, gateway.gateway.status()].map((event) => JSON.stringify(event))
    for (const text of [...all, ...logged, profiles]) {
      for (const secret of secrets) expect(text).not.toContain(secret)
      expect(text.replaceAll('\n', '')).not.toMatch(unfit)
    }
  })

  it('does not tell callers which command or folder was not found', async () => {
    await expect
      .poll(() => server('missing')?.error)
      .toBe('the command "no-such-program" was not found')
    expect(server('nowhere')?.error).toBe('there is no folder /no/such/folder')
  })
})

describe('the line that says what happened', () => {
  it.each([
    [
      'of Node',
      [
        '/srv/x.js:1',
        'throw new Error("kaboom")',
        '^',
        '',
        'Error: kaboom',
        '    at run (node:vm:1)',
        '',
        'Node.js v24.1.0',
      ],
      'Error: kaboom',
    ],
    [
      'of Node, with a code and a cause',
      [
        'node:fs:4',
        'TypeError [ERR_X]: bad',
        '    at a (b)',
        '  [cause]: Error: deep',
        '}',
        '',
        'Node.js v24',
      ],
      'TypeError [ERR_X]: bad',
    ],
    [
      'of Python',
      [
        'Traceback (most recent call last):',
        '  File "x.py", line 1, in <module>',
        '    main()',
        "KeyError: 'token'",
      ],
      "KeyError: 'token'",
    ],
    [
      'of Go',
      [
        '2026/11/28 starting',
        'panic: runtime error: index out of range',
        '',
        'goroutine 1 [running]:',
        'main.main()',
        '\t/x.go:3',
      ],
      'panic: runtime error: index out of range',
    ],
    [
      'of Rust',
      [
        "thread 'main' panicked at src/main.rs:2:5:",
        'no luck',
        'note: run with `RUST_BACKTRACE=1`',
      ],
      "thread 'main' panicked at src/main.rs:2:5:",
    ],
    [
      'of npx',
      ['npm error code E404', 'npm error 404 Not Found', 'npm error A complete log is in x'],
      'npm error A complete log is in x',
    ],
    ['of a shell', ['sh: 1: nope: not found'], 'sh: 1: nope: not found'],
    ['of one that says nothing', ['', '   '], undefined],
  ])('is found in the words %s', (_of, lines, expected) => {
    expect(tellingLine(lines)).toBe(expected)
  })
})
