import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { createOutput } from '../../src/cli/output.ts'
import { runProgram } from '../../src/cli/program.ts'

/** What was called, in place of what commands do. */
const calls = vi.hoisted((): unknown[] => [])

vi.mock('../../src/cli/commands/dev-world.ts', () => ({
  createDevWorld: (flags: object) => flags,
}))
vi.mock('../../src/cli/commands/dev.ts', () => ({
  runDev: async (flags: object) => {
    calls.push(['dev', flags])
    return 7
  },
}))
vi.mock('../../src/cli/commands/certs.ts', () => ({
  runCerts: async (action: string) => {
    calls.push(['certs', action])
    return 0
  },
}))
vi.mock('../../src/cli/commands/doctor.ts', () => ({
  doctor: async () => {
    calls.push(['doctor'])
    return 1
  },
}))

async function run(...argv: string[]) {
  calls.length = 0
  const open = () => Object.assign(new PassThrough(), { columns: 80 }).setEncoding('utf8')
  const [stdout, stderr] = [open(), open()]
  const output = createOutput({ stdout, stderr, env: {}, json: false })
  const process = { stdin: { isTTY: true }, stdout, stderr } as unknown as NodeJS.Process
  const code = await runProgram(argv, { output, process })
  return {
    calls: [...calls],
    out: String(stdout.read() ?? ''),
    err: String(stderr.read() ?? ''),
    code,
  }
}

describe('the command line', () => {
  it('hands the flags of dev on as they were typed, and its exit code back', async () => {
    const argv = ['dev', '--port', '4000', '--https-port', '0', '--strict-port', '--json']
    const { calls, code } = await run(...argv, '--no-https', '--no-keys')
    const flags = { port: '4000', httpsPort: '0', strictPort: true, json: true }
    expect(calls).toEqual([['dev', { ...flags, https: false, keys: false }]])
    expect(code).toBe(7)
  })

  it('wants HTTPS and keys unless told otherwise', async () => {
    expect((await run('dev')).calls).toEqual([['dev', { https: true, keys: true }]])
  })

  it('shows the certificate unless told to renew it', async () => {
    expect((await run('certs')).calls).toEqual([['certs', 'show']])
    expect((await run('certs', 'renew')).calls).toEqual([['certs', 'renew']])
  })

  it('hands the exit code of doctor back', async () => {
    expect(await run('doctor', '--json')).toMatchObject({ calls: [['doctor']], code: 1 })
  })

  it('shows help with examples on standard output', async () => {
    const { out, err, code } = await run('dev', '--help')
    expect(out).toContain('Examples:')
    expect(out.split('\n').every((line) => line.length <= 80)).toBe(true)
    expect({ err, code }).toEqual({ err: '', code: 0 })
  })

  it('says of every command what it does', async () => {
    const { out } = await run('--help')
    const commands = out.slice(out.indexOf('Commands:'), out.indexOf('Examples:'))
    const silent = commands
      .split('\n')
      .filter((line) => /^ {2}[a-z]\S*(?: \[\S+\]| <\S+>)*$/.test(line))
    expect(silent).toEqual([])
    expect(commands).toContain('oauth')
  })

  it('shows help on standard error to who does not say what to do', async () => {
    const { out, err, code } = await run()
    expect(err).toContain('Usage: sallyport')
    expect({ out, code }).toEqual({ out: '', code: 2 })
  })

  it.each([
    [
      ['dev', '--prot'],
      "Unknown option '--prot'.",
      'Did you mean --port? `sallyport dev` knows --port,',
    ],
    [['devv'], "Unknown command 'devv'.", '`sallyport` knows dev, certs'],
    [['dev', 'x'], 'Too many arguments', '`sallyport dev` knows'],
    [['certs', 'burn'], 'There is no "sallyport certs burn".', 'certs show'],
    [['dev', '--port'], "Option '--port <number>' argument missing.", '--port'],
  ])('refuses %j and says what is known', async (argv, message, hint) => {
    await expect(run(...argv)).rejects.toMatchObject({
      code: 'USAGE',
      exitCode: 2,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
  })
})
