import { describe, expect, it } from 'vitest'
import type { DevFlags } from '../../src/cli/command-actions.ts'
import { runProgram } from '../../src/cli/program.ts'

async function run(...argv: string[]) {
  const calls: unknown[] = []
  let out = ''
  let err = ''
  const code = await runProgram(argv, {
    actions: {
      async dev(flags: DevFlags) {
        calls.push(['dev', flags])
        return 7
      },
      async connect(server) {
        calls.push(['connect', server])
        return 0
      },
      async admin() {
        calls.push(['admin'])
        return 0
      },
      async access(command) {
        calls.push(['access', command])
        return 0
      },
      async trust(flags) {
        calls.push(['trust', flags])
        return 0
      },
      async env(flags) {
        calls.push(['env', flags])
        return 0
      },
      async ca(command) {
        calls.push(['ca', command])
        return 0
      },
      async doctor() {
        calls.push(['doctor'])
        return 1
      },
      async installCloudflared(flags) {
        calls.push(['cloudflared install', flags])
        return 0
      },
      async client(name, flags) {
        calls.push(['client', name, flags])
        return 0
      },
      async certs(action, flags) {
        calls.push(['certs', action, flags])
        return 0
      },
    },
    io: {
      writeOut: (text) => {
        out += text
      },
      writeErr: (text) => {
        err += text
      },
      columns: 80,
    },
  })
  return { calls, out, err, code }
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
    expect((await run('certs')).calls).toEqual([['certs', 'show', {}]])
    expect((await run('certs', 'renew')).calls).toEqual([['certs', 'renew', {}]])
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
