import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import dotenv from 'dotenv'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseAppUrl } from '../../src/config/app-url.ts'
import { environmentSchema } from '../../src/config/environment-schema.ts'
import { putEntry } from '../../src/editing/edit-entry.ts'
import { envFormat } from '../../src/editing/env-format.ts'
import { isPlainHost } from '../../src/lib/hosts.ts'
import { parsePublicAddress } from '../../src/tunnels/client-tunnel.ts'
import { createTunnelProvider } from '../../src/tunnels/tunnel-providers.ts'
import { createWorld } from '../tunnels/world.ts'

/** What was tried as a host, and whether it is taken. */
const hosts: readonly [what: string, host: string, taken: boolean][] = [
  ['a name', 'quiet-otter.example', true],
  ['one label', 'localhost', true],
  ['a name of digits', '1password.example', true],
  ['a name in another script', 'xn--bcher-kva.example', true],
  ['an IPv4 address', '192.0.2.7', true],
  ['an IPv6 address', '[2001:db8::7]', true],
  ['a command of a shell', `$(touch\${IFS}x).localhost`, false],
  ['backticks', '`id`.example', false],
  ['the end of a command', 'a;id;b.example', false],
  ['a variable', '$HOME.example', false],
  ['a background command', 'a&id&b.example', false],
  ['a pattern of file names', '*.example', false],
  ['braces', '{a,b}.example', false],
  ['single quotes', "a'b.example", false],
  ['double quotes', 'a"b.example', false],
  ['an exclamation mark', 'a!b.example', false],
  ['a tilde', '~.example', false],
  ['an option', '-oProxyCommand=x.example', false],
  ['an option without a value', '-x.example', false],
  ['an underscore', 'a_b.example', false],
  ['an empty label', 'a..example', false],
  ['a label that is too long', `${'a'.repeat(64)}.example`, false],
  ['a name that is too long', `${'a.'.repeat(130)}example`, false],
]

const nowhere = new URL('http://127.0.0.1:9')
const open = { signal: new AbortController().signal }

describe('a host that somebody else names', () => {
  it.each(hosts)('is taken only when it is a name or an address: %s', (_what, host, taken) => {
    const url = `https://${host}`
    expect(isPlainHost(host)).toBe(taken)
    expect(parsePublicAddress(url)?.origin).toBe(taken ? url : undefined)
    expect(parseAppUrl(url).ok).toBe(taken)
  })

  it.each(hosts.filter(([, , taken]) => !taken))(
    'is refused in CLOUDFLARE_HOSTNAME: %s',
    (_what, host) => {
      expect(environmentSchema.safeParse({ CLOUDFLARE_HOSTNAME: host }).success).toBe(false)
    },
  )

  const hostile = `$(touch\${IFS}x).localhost`

  function world() {
    const one = createWorld()
    onTestFinished(() => {
      expect(one.running()).toEqual([])
      one.close()
    })
    return one
  }

  it('is refused from a localtunnel server', async () => {
    const data = createServer().listen(0, '127.0.0.1')
    const server = createServer((_request, response) => {
      const { port } = data.address() as AddressInfo
      const url = `https://${hostile}`
      response.end(JSON.stringify({ id: 'x', port, max_conn_count: 1, url }))
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const one of [server, data]) {
        one.close()
        one.closeAllConnections()
      }
    })
    const host = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const settings = { host, subdomain: undefined, anySubdomain: false }
    const provider = createTunnelProvider('localtunnel', settings, world().dependencies)
    await expect(provider.open(nowhere, open)).rejects.toMatchObject({
      code: 'TUNNEL_ADDRESS_REFUSED',
      message: expect.stringContaining(`"https://${hostile}"`),
    })
  })

  it('is refused from what cloudflared says it was given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-cloudflared-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const answers = `(request, response) => response.end(JSON.stringify({ hostname: process.argv[2] }))`
    const serve = `require('node:http').createServer(${answers}).listen(Number(process.argv[1]), '127.0.0.1')`
    const bin = join(folder, 'cloudflared')
    // Its metrics are all there is of it.
    const find = 'while [ "$1" != --metrics ]; do shift; done'
    const run = `exec '${process.execPath}' -e "${serve}" "\${2##*:}" '${hostile}'`
    await writeFile(bin, `#!/bin/sh\n${find}\n${run}\n`, { mode: 0o755 })
    const provider = createTunnelProvider(
      'cloudflare',
      {
        tunnel: { kind: 'quick' },
        binary: { bin, searchPath: '', installDir: '' },
        protocol: 'http2',
      },
      world().dependencies,
    )
    await expect(provider.open(nowhere, open)).rejects.toMatchObject({
      code: 'TUNNEL_ADDRESS_REFUSED',
      message: expect.stringContaining(`Cloudflare gave out "${hostile}"`),
    })
  })

  it('is passed over in the output of a tunnel command, and told when nothing better comes', async () => {
    const settings = {
      commandLine: `echo 'see https://${hostile}'; exit 3`,
      urlPattern: /https:\S+/,
      cwd: tmpdir(),
    }
    const { dependencies } = world()
    const provider = createTunnelProvider('command', settings, dependencies)
    await expect(provider.open(nowhere, open)).rejects.toMatchObject({
      code: 'TUNNEL_ADDRESS_REFUSED',
    })
    const better = `echo 'see https://${hostile}'; echo https://a.example; sleep 60`
    const second = { ...settings, commandLine: better }
    const tunnel = await createTunnelProvider('command', second, dependencies).open(nowhere, open)
    expect(tunnel.publicUrl.origin).toBe('https://a.example')
    await tunnel.close()
  })
})

describe.skipIf(process.platform === 'win32')('a value in .env', () => {
  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'sallyport-env-'))
    onTestFinished(() => rm(path, { recursive: true }))
    return path
  }

  /** What a POSIX shell reads from each file, by one shell for all. */
  async function sourced(texts: readonly string[]): Promise<string[]> {
    const home = await folder()
    await Promise.all(texts.map((text, index) => writeFile(join(home, `${index}.env`), text)))
    const script = `i=0; while [ $i -lt ${texts.length} ]; do (. ./$i.env; printf '%s\\0' "$APP_URL"); i=$((i+1)); done`
    const { stdout } = spawnSync('/bin/sh', ['-c', script], { cwd: home, encoding: 'utf8' })
    return stdout.split('\0').slice(0, -1)
  }

  const set = (text: string, value: string) =>
    putEntry(
      text,
      { path: ['APP_URL'], value },
      { format: envFormat, memory: undefined, force: true },
    )
  const before = ['', 'APP_URL=x\n', 'APP_URL="x" # c\n', "export APP_URL='x'\n", 'APP_URL=`x`\n']

  it.each([
    ['a public address', 'https://quiet-otter.example'],
    ['an IPv6 address', 'http://[2001:db8::7]:3001'],
    ['a command of a shell', `https://$(touch\${IFS}x).localhost`],
    ['the end of a command', 'https://a;id;b.example'],
    ['a comment', 'https://a.example #c'],
    ['single quotes', "https://it's.example"],
  ])('reads back as it was written, whatever stood there: %s', async (_what, value) => {
    const texts = before.map((text) => {
      const result = set(text, value)
      if (result.state !== 'changed') throw new Error('not set')
      return result.text
    })
    expect(texts.map((text) => dotenv.parse(text).APP_URL)).toEqual(texts.map(() => value))
    expect(await sourced(texts)).toEqual(texts.map(() => value))
  })

  it('reads back as it was written or is not written, for any value', async () => {
    const special = fc.constantFrom(...`'"\`$\\!#;&|<>(){}[]*?~= \t\n\ra`)
    const value = fc.string({
      unit: fc.oneof(special, fc.string({ unit: 'grapheme', maxLength: 1 })),
    })
    const samples = fc.sample(fc.tuple(value, fc.constantFrom(...before)), 300)
    const written = samples.flatMap(([one, text]) => {
      const result = set(text, one)
      return result.state === 'changed' ? [{ value: one, text: result.text }] : []
    })
    expect(written.length).toBeGreaterThan(20)
    const values = written.map((one) => one.value)
    expect(written.map(({ text }) => dotenv.parse(text).APP_URL)).toEqual(values)
    expect(await sourced(written.map(({ text }) => text))).toEqual(values)
  })
})
