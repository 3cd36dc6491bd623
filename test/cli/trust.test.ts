import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatStores, formatWslNote } from '../../src/cli/ui/trust-report.ts'
import { certutil, hasChromium, textIn } from '../fixtures/chromium.ts'
import { createTestAuthority } from '../tls/lab.ts'
import { sallyport, servesCertificateOf } from './command.ts'
import { asText, plain, temporaryFolder } from './helpers.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A home with a Chrome database and a Firefox profile, and a PATH with nothing but `tools`. */
async function createUser(tools: readonly (string | undefined)[]) {
  const home = await temporaryFolder()
  const bin = join(home, 'bin')
  const folders = [join(home, '.pki/nssdb'), join(home, '.mozilla/firefox/x.default')]
  for (const folder of [bin, join(home, 'config'), ...folders]) {
    await mkdir(folder, { recursive: true })
  }
  for (const folder of folders) {
    execFileSync(certutil ?? '', ['-N', '-d', `sql:${folder}`, '--empty-password'])
  }
  for (const tool of tools) {
    if (tool) await symlink(tool, join(bin, tool.split('/').at(-1) ?? ''))
  }
  await writeFile(join(home, 'config/gateway.json'), '{ "mcpServers": {} }')
  const caRoot = join(home, 'ca')
  const env = { HOME: home, PATH: bin, SALLYPORT_CA_ROOT: caRoot }
  const trust = (...args: string[]) =>
    sallyport(['trust', '--only', 'nss', ...args], { cwd: home, env })
  const status = async () => {
    const { out } = await trust('--status', '--json')
    const { stores } = JSON.parse(out)
    return stores.map(({ state }: { state: string }) => state)
  }
  const nicknames = () =>
    folders.map((folder) => String(execFileSync(certutil ?? '', ['-L', '-d', `sql:${folder}`])))
  const certs = (action: 'show' | 'renew') => sallyport(['certs', action], { cwd: home, env })
  return { home, env, caRoot, folders, trust, status, certs, nicknames }
}

const needed = '(skipped where certutil of libnss3-tools is not installed)'
describe.skipIf(!certutil)(`sallyport trust ${needed}`, () => {
  it('shows what it would run and fails, naming --yes, when nobody can be asked', async () => {
    const { trust, status, folders } = await createUser([certutil])
    const { code, out, err } = await trust()
    expect({ code, out }).toEqual({ code: 2, out: '' })
    const said = err.replaceAll(/\s+/g, ' ')
    for (const folder of folders) expect(said).toContain(`certutil -A -d sql:${folder} -t`)
    expect(err).toContain('--yes')
    expect(await status()).toEqual(['not-trusted', 'not-trusted'])
  })

  it('lists every command of every store with --dry-run, and changes nothing', async () => {
    const { home, caRoot, trust, status, certs, folders } = await createUser([certutil])
    const fresh = await trust('--dry-run')
    expect(fresh).toMatchObject({ code: 0, out: expect.stringContaining('no authority yet') })
    expect(await trust('--status')).toMatchObject({ code: 0, out: fresh.out })
    expect([existsSync(caRoot), existsSync(join(home, '.sallyport'))]).toEqual([false, false])

    await certs('renew')
    const commandsOf = async (...args: string[]) => {
      const { code, out, err } = await trust('--dry-run', '--json', ...args)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      return JSON.parse(out).commands
    }
    const install = await commandsOf()
    const sorted = (commands: string[]) => commands.toSorted()
    expect(sorted(install)).toEqual(
      folders
        .toSorted()
        .map((folder) => expect.stringContaining(`certutil -A -d sql:${folder} -t C,, -n`)),
    )
    expect(await commandsOf('--undo')).toEqual([])
    expect(existsSync(join(caRoot, 'public'))).toBe(false)
    expect(await status()).toEqual(['not-trusted', 'not-trusted'])
    const done = JSON.parse((await trust('--yes', '--json')).out)
    expect(done.commands).toEqual(install)

    expect(await commandsOf()).toEqual([])
    expect(sorted(await commandsOf('--undo'))).toEqual(
      folders
        .toSorted()
        .map((folder) => expect.stringContaining(`certutil -D -d sql:${folder} -n`)),
    )
    expect(await status()).toEqual(['trusted', 'trusted'])
    expect((await trust('--undo', '--yes')).code).toBe(0)
  })

  it('installs into every profile, shows each command, and undoes exactly that', async () => {
    const { home, caRoot, trust, status, nicknames, folders } = await createUser([certutil])
    const other = await createTestAuthority()
    await writeFile(join(home, 'other.pem'), other.certPem)
    const theirs = ['-A', '-t', 'C,,', '-n', 'theirs', '-i', join(home, 'other.pem')]
    execFileSync(certutil ?? '', [...theirs, '-d', `sql:${folders[0]}`])

    const { code, out, err } = await trust('--yes')
    expect(code).toBe(0)
    for (const folder of folders) expect(err).toContain(`certutil -A -d sql:${folder} -t C,, -n`)
    expect(out.match(/ trusted$/gm)).toHaveLength(2)
    // Other programs are led to a folder without our key.
    expect(readdirSync(join(caRoot, 'public'))).toEqual(['rootCA.pem'])
    expect(await status()).toEqual(['trusted', 'trusted'])
    expect(await trust('--yes')).toMatchObject({ code: 0, err: '' })

    const undone = await trust('--undo', '--yes')
    expect(undone).toMatchObject({ code: 0, err: expect.stringContaining('certutil -D -d sql:') })
    expect(await status()).toEqual(['not-trusted', 'not-trusted'])
    expect(nicknames()[0]).toContain('theirs')
    const again = await trust('--undo')
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('has installed nothing') })
  })

  it('calls a store stale after the authority was made anew, and undoes the earlier one too', async () => {
    const { caRoot, trust, status, certs, nicknames } = await createUser([certutil])
    await trust('--yes')
    for (const name of ['rootCA.pem', 'rootCA-key.pem']) await rm(join(caRoot, name))
    await certs('renew')
    expect(await status()).toEqual(['stale', 'stale'])
    expect((await trust('--status')).out).toContain('an earlier authority of the same name')
    await trust('--yes')
    expect(await status()).toEqual(['trusted', 'trusted'])
    expect((await trust('--undo', '--yes', '--json')).code).toBe(0)
    expect(nicknames().join()).not.toContain('Sallyport')
    expect(JSON.parse(await readFile(join(caRoot, 'installed.json'), 'utf8'))).toEqual([])
  })

  it.skipIf(!hasChromium)(
    'lets a real browser in, which refused before (skipped where Chromium is not installed)',
    async () => {
      const { home, trust, certs } = await createUser([certutil])
      await certs('renew')
      const url = await servesCertificateOf(join(home, '.sallyport/certs'))
      expect(await textIn(url, home)).toContain('ERR_CERT_AUTHORITY_INVALID')
      await trust('--yes')
      expect(await textIn(url, home)).toBe('ok')
    },
    60_000,
  )

  it.skipIf(!existsSync('/usr/bin/script'))(
    'asks before each command, and takes no for an answer (skipped without a pseudoterminal)',
    async () => {
      const { home, env, status } = await createUser([certutil])
      const command = `/usr/bin/stty cols 200; ${process.execPath} ${main} trust --only nss`
      const answer = async (key: string) => {
        const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], { cwd: home, env })
        let seen = ''
        child.stdout.setEncoding('utf8').on('data', (text) => {
          seen += text
        })
        // It may end between two presses.
        child.stdin.on('error', () => {})
        const pressing = setInterval(() => {
          if (seen.includes('Run this?')) child.stdin.write(key)
        }, 100)
        await once(child, 'close')
        clearInterval(pressing)
        return seen
      }
      expect(await answer('n')).toContain('You did not want it.')
      expect(await status()).toEqual(['not-trusted', 'not-trusted'])
      const seen = await answer('y')
      expect(seen.indexOf('certutil -A')).toBeLessThan(seen.indexOf('Run this?'))
      expect(await status()).toEqual(['trusted', 'trusted'])
    },
  )

  it('says which package is missing, and what was not changed', async () => {
    const { trust } = await createUser([])
    const { code, out } = await trust('--yes')
    expect(code).toBe(1)
    expect(out).toContain('not present')
    expect(out.replaceAll(/\s+/g, ' ')).toContain('Install libnss3-tools (Debian, Ubuntu)')
  })
})

it.each([
  [['--only', 'sytem'], '--only takes system, nss, java'],
  [['--status', '--undo'], 'Leave out --undo'],
])('trust refuses %j', async (args, hint) => {
  const home = await temporaryFolder()
  const env = { HOME: home, PATH: ['/usr/bin', '/bin'].join(delimiter) }
  await mkdir(join(home, 'config'))
  await writeFile(join(home, 'config/gateway.json'), '{ "mcpServers": {} }')
  const { code, err } = await sallyport(['trust', ...args], { cwd: home, env })
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(hint) })
})

it('trust tells somebody in WSL how to reach the browser on Windows', () => {
  expect(asText(formatWslNote('/home/ada/ca/rootCA.pem', plain(120)))).toContain(
    'certutil.exe -user -addstore Root "$(wslpath -w /home/ada/ca/rootCA.pem)"',
  )
})

it('trust escapes what a store says of itself', async () => {
  const { certPem } = await createTestAuthority()
  const { X509Certificate } = await import('node:crypto')
  const authority = { certificate: new X509Certificate(certPem), file: '/ca.pem' }
  const status = { state: 'not-present', reason: 'bad\x1b[2J' } as const
  const report = { kind: 'java', place: '/j', status, changed: false } as const
  expect(asText(formatStores([report], { authority, screen: plain(), installed: true }))).toContain(
    'bad\\x1b[2J',
  )
})
