import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askForm } from '../../src/cli/ask-form.ts'
import { readArguments } from '../../src/cli/tool-arguments.ts'
import { takeInstanceLock } from '../../src/config/instance-lock.ts'
import { recordingHeader, recordingLine } from '../../src/traffic/recording.ts'
import { secretNames } from '../../src/traffic/redact-body.ts'
import { createTraffic } from '../../src/traffic/traffic.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { fixturePath } from '../fixtures/start-server.ts'
import { sallyport } from './command.ts'
import { temporaryFolder } from './helpers.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

const run = (folder: string, args: readonly string[], input = '') =>
  sallyport(args, { cwd: folder, env: { HOME: folder }, input })

describe('`sallyport list`, `call` and `read`', () => {
  let folder: string
  const undo = new AsyncDisposableStack()
  afterAll(() => undo.disposeAsync())

  beforeAll(async () => {
    const file = { command: process.execPath, args: [fixturePath('legacy-stdio.ts')] }
    const gateway = await startTestGateway({ servers: { legacy: stdioFixture('legacy-stdio.ts') } })
    undo.defer(gateway.close)
    folder = gateway.config.projectDir
    await mkdir(join(folder, 'config'))
    const text = JSON.stringify({ mcpServers: { legacy: file } })
    await writeFile(join(folder, 'config/gateway.json'), text)
    const lock = await takeInstanceLock(join(folder, '.sallyport'))
    undo.defer(lock.release)
    const { appUrl, origins } = gateway.gateway.status()
    await lock.announce(appUrl, origins)
  })

  it('lists what the running gateway has', async () => {
    const { out, code } = await run(folder, ['list'])
    expect(code).toBe(0)
    expect(out).toContain('add(a: number, b: number)')
    expect(out).toContain('greet(person, tone?)')
    expect(out).toContain('memo://hello')
    expect(out).toContain('memo://notes/{topic}')
  })

  it('calls with pairs, with an object, and with what is read', async () => {
    const runs = await Promise.all([
      run(folder, ['call', 'default', 'add', 'a=2', 'b=3']),
      run(folder, ['call', 'default', 'echo', '{"text": "a=b"}']),
      run(folder, ['call', 'default', 'echo', '-', '--json'], '{"text": "read"}'),
    ])
    expect(runs).toMatchObject([
      { code: 0, out: '{"sum":5}\n' },
      { code: 0, out: 'a=b\n' },
      { code: 0 },
    ])
    expect(JSON.parse(runs[2].out)).toMatchObject({ content: [{ type: 'text', text: 'read' }] })
  })

  it('fails as the tool does, and says what is not there', async () => {
    const [failed, refused, misspelt, read] = await Promise.all([
      run(folder, ['call', 'default', 'fail']),
      run(folder, ['call', 'default', 'fail_with_code']),
      run(folder, ['call', 'default', 'ecko']),
      run(folder, ['read', 'default', 'memo://hello']),
    ])
    expect(failed.code).toBe(1)
    expect(failed.out).not.toBe('')
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('The server refused:')
    expect(misspelt.code).toBe(2)
    expect(misspelt.err).toContain('Did you mean echo?')
    expect(read).toMatchObject({ code: 0, out: 'hello\n' })
  })

  it('are sent again from a recording, which shows what is answered otherwise', async () => {
    const traffic = createTraffic({ now: Date.now, names: secretNames(), secrets: () => [] })
    const lines: string[] = []
    traffic.watch((entry) => void lines.push(recordingLine(entry)))
    const record = (
      name: string,
      args: object,
      answer: object,
      how: 'result' | 'error' = 'result',
    ) =>
      traffic.tap
        .begin({
          ...{ profile: 'default', client: 'ada', caller: 'anybody', sessionId: undefined },
          ...{ era: 'legacy', method: 'tools/call', name },
          text: JSON.stringify({ method: 'tools/call', params: { name, arguments: args } }),
        })
        .ended(how, JSON.stringify(answer))
    const said = (text: string) => ({ content: [{ type: 'text', text }] })
    record('echo', { text: 'same' }, said('same'))
    record('add', { a: 2, b: 3 }, said('{"sum":6}'))
    record('fail_with_code', {}, { code: -32042, message: 'other words' }, 'error')
    record('echo', { text: 'x', password: 'secret' }, said('x'))
    await writeFile(join(folder, 'calls.jsonl'), recordingHeader(0) + lines.join(''))
    const { code, out, err } = await run(folder, ['replay', 'calls.jsonl'])
    expect(code).toBe(1)
    expect(out).toContain('same      tools/call echo')
    expect(out).toMatch(/differs {3}tools\/call add\n +content\[0\]\.text\n +- .*6.*\n +\+ .*5/)
    expect(out).toContain('left out  tools/call echo (its request holds a secret')
    expect(err).toContain('4 sent again, 2 answered otherwise.')
    const only = await run(folder, ['replay', 'calls.jsonl', '--only', 'ech*', '--json'])
    expect(only.code).toBe(0)
    expect(
      only.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).outcome),
    ).toEqual(['same', 'left-out'])
    const none = await run(folder, ['replay', 'calls.jsonl', '--only', 'nothing'])
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('has no such call') })
  })

  it('start a gateway where none runs, and leave nothing behind', async () => {
    const alone = await temporaryFolder()
    const image = { type: 'image', mimeType: 'image/png', data: 'aGVsbG8=' }
    const script = JSON.stringify({ 'tools/call hi': { content: [image] } })
    const args = [fixturePath('scripted-stdio.ts'), script]
    await mkdir(join(alone, 'config'))
    const text = JSON.stringify({ mcpServers: { scripted: { command: process.execPath, args } } })
    await writeFile(join(alone, 'config/gateway.json'), text)
    const { PATH = '' } = process.env
    const env = { PATH, ...compileCache, HOME: alone }
    const typed = [main, 'call', 'default', 'hi', '--save', 'kept']
    const child = spawn(process.execPath, typed, { cwd: alone, env })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      out += chunk
    })
    expect(await once(child, 'close')).toEqual([0, null])
    expect(out).toContain('[image image/png, 5 bytes')
    const [name = ''] = await readdir(join(alone, 'kept'))
    expect(name).toMatch(/\.png$/)
    expect(await readFile(join(alone, 'kept', name), 'utf8')).toBe('hello')
    expect(await readdir(join(alone, '.sallyport'))).not.toContain('gateway.lock')
  })
})

describe('arguments of a tool', () => {
  const schema = {
    properties: { city: { type: 'string' }, days: { type: 'integer' }, tags: { type: 'array' } },
  }

  it.each([
    ['nothing', [], {}],
    ['an object', ['{"city": "Oslo", "days": 3}'], { city: 'Oslo', days: 3 }],
    ['text that looks like a number', ['city=12'], { city: '12' }],
    ['a number', ['days=12'], { days: 12 }],
    ['a list', ['tags=["a","b"]'], { tags: ['a', 'b'] }],
    ['what the schema does not know', ['other=true', 'more=plain'], { other: true, more: 'plain' }],
    ['text with an equals sign', ['city=a=b'], { city: 'a=b' }],
    ['nothing for a field', ['city='], { city: '' }],
    ['several lines', ['city=a\nb'], { city: 'a\nb' }],
    [
      'a field that every object has',
      ['__proto__=1', 'toString=2'],
      { ['__proto__']: 1, toString: 2 },
    ],
  ])('are %s', (_what, typed, right) => {
    const read = readArguments(typed, schema)
    expect(Object.entries(read)).toEqual(Object.entries(right))
  })

  it.each([
    ['a word', ['Oslo'], 'is not an argument of a tool'],
    ['a broken object', ['{"city": Oslo}'], 'are not JSON'],
    ['no name', ['=3'], 'is not an argument of a tool'],
  ])('are not %s', (_what, typed, why) => {
    expect(() => readArguments(typed, schema)).toThrow(why)
  })
})

describe('a question of a server', () => {
  /** Answers with these keys, one after the other, as each question is drawn. */
  async function answer(params: Parameters<typeof askForm>[0], keys: readonly string[]) {
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
    const output = Object.assign(new PassThrough(), { columns: 80, rows: 24, isTTY: true })
    let drawn = ''
    output.on('data', (chunk) => {
      drawn += chunk
    })
    const result = askForm(params, { input: input as never, output: output as never })
    for (const key of keys) {
      await expect.poll(() => input.listenerCount('keypress')).toBeGreaterThan(0)
      input.write(key)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { result: await result, drawn }
  }

  const form = (properties: object, required: string[] = []) =>
    ({
      message: 'Who are \x1b[31myou?',
      requestedSchema: { type: 'object', properties, required },
    }) as never

  it('is asked field by field', async () => {
    const { result, drawn } = await answer(
      form({
        name: { type: 'string', title: 'Your name' },
        age: { type: 'integer' },
        colour: { type: 'string', enum: ['red', 'blue'] },
      }),
      ['Ada', '\r', '36', '\r', '\x1b[B', '\r'],
    )
    expect(result).toEqual({ action: 'accept', content: { name: 'Ada', age: 36, colour: 'blue' } })
    expect(drawn).toContain('Your name')
    expect(drawn).not.toContain('\x1b[31myou')
  })

  it('is called off with Ctrl-C', async () => {
    const { result } = await answer(form({ name: { type: 'string' } }), ['\x03'])
    expect(result).toEqual({ action: 'cancel' })
  })
})
