import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createOutput } from '../../src/cli/output.ts'

function setup(options: { json?: boolean; isTTY?: boolean } = {}) {
  const open = () => {
    const stream = Object.assign(new PassThrough(), { isTTY: options.isTTY, columns: 40 })
    stream.setEncoding('utf8')
    return stream
  }
  const [stdout, stderr] = [open(), open()]
  const output = createOutput({ stdout, stderr, env: {}, json: options.json ?? false })
  return { output, out: () => stdout.read() ?? '', err: () => stderr.read() ?? '', stdout }
}

describe('output', () => {
  it('sends answers to standard output and talk to standard error', () => {
    const { output, out, err } = setup()
    output.answer('answer')
    output.talk('talk')
    output.event({ event: 'stopped', reason: 'x' })
    expect([out(), err()]).toEqual(['answer\n', 'talk\n'])
  })

  it('prints nothing but JSON lines on standard output with --json', () => {
    const { output, out, err } = setup({ json: true })
    output.answer('answer')
    output.talk('talk')
    output.progress('step')
    output.event({ event: 'stopped', reason: 'x' })
    output.companion('[web] hello\n')
    output.log('{"level":40}\n')
    expect(out()).toBe('{"event":"stopped","reason":"x"}\n')
    expect(err()).toBe('[web] hello\n{"level":40}\n')
  })

  it('prints each step on a line of its own without a terminal', () => {
    const { output, err } = setup()
    output.progress('one')
    output.progress('two')
    output.progress(undefined)
    expect(err()).toBe('one\ntwo\n')
  })

  it('updates one line on a terminal, and keeps it below what is printed', () => {
    const { output, out, err } = setup({ isTTY: true })
    output.progress('one')
    const style = (text: string) => `  \x1b[2m${text}\x1b[22m`
    expect(err()).toBe(style('one'))
    output.answer('answer')
    expect([out(), err()]).toEqual(['answer\n', `\r\x1b[2K${style('one')}`])
    output.progress(undefined)
    expect(err()).toBe('\r\x1b[2K')
  })

  it('shows a line of the log for people on a terminal, and what is no log as it is', () => {
    const { output, err } = setup({ isTTY: true })
    output.log('{"level":40,"time":1,"scope":"mcp:files","server":"files","msg":"restarts"}\n')
    output.log('boom\x1b[2J\n')
    const yellow = '\x1b[33mwarn  mcp:files restarts server="files"\x1b[39m'
    expect(err()).toBe(`  ${yellow}\nboom\\x1b[2J\n`)
  })

  it('survives a reader that goes away', async () => {
    const { output, stdout } = setup()
    stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    output.answer('answer')
    await output.flush()
  })
})
