import { EventEmitter } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { clipboardCommands, copyToClipboard, osc52 } from '../../src/cli/clipboard.ts'
import { listenToKeys } from '../../src/cli/keys.ts'
import { temporaryFolder } from './helpers.ts'

function fakeTerminal(isTTY = true) {
  const raw: boolean[] = []
  const input = Object.assign(new EventEmitter(), {
    isTTY,
    setRawMode: (mode: boolean) => raw.push(mode),
    resume: () => {},
    pause: () => {},
  })
  return { input, raw }
}

describe('keys', () => {
  it.each([
    ['c', ['c']],
    ['?', ['?']],
    ['\x03', ['interrupt']],
    ['\x04', ['end']],
    ['\x1b[A', []],
    ['\x1b[A\x03', ['interrupt']],
    ['\x1b[200~cq\x1b[201~', []],
    ['cq', []],
    ['x', []],
  ])('answer %j with %j', (chunk, expected) => {
    const { input } = fakeTerminal()
    const done: string[] = []
    const actions = Object.fromEntries(
      ['c', 'q', '?', 'interrupt', 'end'].map((key) => [key, () => void done.push(key)]),
    )
    listenToKeys(input, actions)
    input.emit('data', Buffer.from(chunk))
    expect(done).toEqual(expected)
  })

  it('give the terminal its mode back, once', () => {
    const { input, raw } = fakeTerminal()
    const stop = listenToKeys(input, {})
    stop()
    stop()
    expect(raw).toEqual([true, false])
    expect(input.listenerCount('data')).toBe(0)
  })

  it('do nothing without a terminal', () => {
    const { input, raw } = fakeTerminal(false)
    listenToKeys(input, {})()
    expect(raw).toEqual([])
    expect(input.listenerCount('data')).toBe(0)
  })
})

describe('the clipboard', () => {
  it('is set by a command of the platform', () => {
    expect(clipboardCommands('darwin')).toEqual([['pbcopy']])
    expect(clipboardCommands('linux').map(([name]) => name)).toContain('xclip')
  })

  it('gets the text through the first command that works', async () => {
    const bin = await temporaryFolder()
    await mkdir(bin, { recursive: true })
    const target = join(bin, 'copied')
    await writeFile(join(bin, 'wl-copy'), '#!/bin/sh\nexit 1\n')
    await writeFile(join(bin, 'xclip'), `#!/bin/sh\n/bin/cat > ${target}\n`)
    await Promise.all(['wl-copy', 'xclip'].map((name) => chmod(join(bin, name), 0o755)))
    vi.stubEnv('PATH', bin)
    const result = await copyToClipboard('snippet', { platform: 'linux', writeTerminal: () => {} })
    vi.unstubAllEnvs()
    expect(result).toEqual({ by: 'command', command: 'xclip' })
    expect(await readFile(target, 'utf8')).toBe('snippet')
  })

  it('is asked of the terminal when there is no command', async () => {
    vi.stubEnv('PATH', await temporaryFolder())
    const written: string[] = []
    const writeTerminal = (sequence: string) => void written.push(sequence)
    const result = await copyToClipboard('snippet', { platform: 'linux', writeTerminal })
    vi.unstubAllEnvs()
    expect(result).toEqual({ by: 'terminal' })
    expect(written).toEqual([osc52('snippet')])
    expect(osc52('snippet')).toBe('\x1b]52;c;c25pcHBldA==\x07')
  })
})
