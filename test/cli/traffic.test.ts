import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { formatEntry } from '../../src/cli/ui/traffic.ts'
import type { CallEntry } from '../../src/traffic/entry.ts'
import { readRecording } from '../../src/traffic/recording.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { openSession } from '../fixtures/wire-client.ts'
import { asText, plain, temporaryFolder, until } from './helpers.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
const script = JSON.stringify({
  'tools/call failing': { isError: true, content: [{ type: 'text', text: 'kaboom' }] },
})

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({
    servers: { scripted: stdioFixture('scripted-stdio.ts', [script]) },
  })
})
afterAll(() => gateway.close())

/** `sallyport traffic` in the folder of the gateway. */
function traffic(folder: string, ...args: string[]) {
  const { PATH = '' } = process.env
  const env = { PATH, ...compileCache, HOME: folder, SALLYPORT_CONFIG: 'gateway.json' }
  const child = spawn(process.execPath, [main, 'traffic', ...args], { cwd: folder, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said.err += text
  })
  const code = once(child, 'close').then(([exit]) => exit as number | null)
  return { child, said, code }
}

describe('`sallyport traffic`', () => {
  it('follows what passes, and keeps it as a recording and a HAR', async () => {
    const { projectDir } = gateway.config
    const files = ['--record', 'calls.jsonl', '--har', 'calls.har']
    const { child, said, code } = traffic(projectDir, '-f', '-v', '--server', 'scripted', ...files)
    await until(() => said.err.includes('Watching'), { what: 'it watches' })
    const ada = await openSession(gateway.url())
    await ada.call('hi')
    await ada.call('failing')
    await until(() => said.out.includes('kaboom'), { what: 'the second call is shown' })
    const recording = join(projectDir, 'calls.jsonl')
    // What was shown is in the file, whatever happens next.
    const entries = readRecording(await readFile(recording, 'utf8'), recording)
    expect(entries).toMatchObject([
      { method: 'tools/call', name: 'hi', outcome: 'ok' },
      { method: 'tools/call', name: 'failing', outcome: 'tool-error', problem: 'kaboom' },
    ])
    child.kill('SIGINT')
    expect(await code).toBe(0)
    expect(said.out).toMatch(/ok +[\d.]+ ms tools\/call hi \(wire 1 → scripted, \d+ B → \d+ B\)/)
    expect(said.out).toMatch(/failed +[\d.]+ ms tools\/call failing .* kaboom/)
    expect(said.out).toContain('{"content":[{"type":"text","text":"hi"}]}')
    const har = JSON.parse(await readFile(join(projectDir, 'calls.har'), 'utf8'))
    expect(har.log.entries.map((one: { comment: string }) => one.comment)).toEqual([
      'tools/call hi',
      'tools/call failing',
    ])
    for (const file of [recording, join(projectDir, 'calls.har')]) {
      expect((await stat(file)).mode & 0o777).toBe(0o600)
    }
    await ada.end()

    const kept = traffic(projectDir, '--errors', '--json')
    expect(await kept.code).toBe(0)
    const lines = kept.said.out.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as CallEntry)).toMatchObject([{ name: 'failing' }])
  })

  it('says when the gateway stops, and that none runs', async () => {
    const other = await startTestGateway({ servers: {} })
    onTestFinished(other.close)
    const { projectDir } = other.config
    const { said, code } = traffic(projectDir, '-f')
    await until(() => said.err.includes('Watching'), { what: 'it watches' })
    await other.gateway.close()
    expect(await code).toBe(0)
    expect(said.err).toContain('The gateway has stopped.')
  })

  it('shows nothing where no gateway runs, and writes over no file', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'gateway.json'), '{}')
    const none = traffic(folder)
    expect(await none.code).toBe(2)
    expect(none.said.err).toContain('No gateway runs in this folder.')
    const { projectDir } = gateway.config
    await writeFile(join(projectDir, 'taken.jsonl'), 'mine')
    const taken = traffic(projectDir, '--record', 'taken.jsonl')
    expect(await taken.code).toBe(2)
    expect(taken.said.err).toContain('is there already')
    expect(await readFile(join(projectDir, 'taken.jsonl'), 'utf8')).toBe('mine')
  })
})

describe('an entry', () => {
  it('is one line without what others could make of it', () => {
    const body = { bytes: 5, text: '"\x1b[2J\u202e"', isCut: false }
    const lines = formatEntry(
      {
        kind: 'call',
        seq: 1,
        at: 0,
        profile: 'default',
        client: 'evil\nclient\x1b[31m',
        caller: 'anonymous',
        era: 'legacy',
        method: 'tools/call',
        name: 'two\nlines',
        request: body,
        answer: body,
        outcome: 'error',
        problem: 'no\r\nsuch\x07 tool',
        tookMs: 12.3,
        serverMs: 0,
        asides: [],
      },
      { screen: plain(), verbose: true },
    )
    expect(lines).toHaveLength(4)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what may not be there
    expect(asText(lines)).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/)
  })
})
