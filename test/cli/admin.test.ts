import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runAdmin } from '../../src/cli/commands/admin.ts'
import type { AdminAddress } from '../../src/http/admin/admin-address.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { startHttpsFront } from '../fixtures/https-front.ts'
import { startServer } from '../fixtures/start-server.ts'
import { createPrivateCa } from '../gateway/trust-lab.ts'
import { runs, temporaryFolder, until } from './helpers.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A project with a server of a private authority. */
async function createProject() {
  const folder = await temporaryFolder()
  const ca = await createPrivateCa()
  const plain = await startServer('legacy-http')
  onTestFinished(plain.close)
  const front = await startHttpsFront(plain.url, await ca.issue(['127.0.0.1']))
  onTestFinished(front.close)
  await mkdir(join(folder, 'config'))
  const mcpServers = { corp: { url: front.url } }
  await writeFile(join(folder, 'config/gateway.json'), JSON.stringify({ mcpServers }))
  await writeFile(join(folder, 'root.pem'), ca.certPem)
  return folder
}

interface Run {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  readonly code: Promise<number | null>
}

function sallyport(folder: string, ...args: string[]): Run {
  const { PATH = '' } = process.env
  const env = {
    PATH,
    ...compileCache,
    HOME: folder,
    PORT: '0',
    LOG_LEVEL: 'trace',
    SALLYPORT_CA_ROOT: join(folder, 'ca'),
  }
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
  })
  const code = once(child, 'close').then(([exit]) => exit as number | null)
  return { child, out: () => out, err: () => err, code }
}

describe('beside a running gateway', () => {
  it('`ca add` is followed, and `admin` prints a link that opens the page once', async () => {
    const folder = await createProject()
    const gateway = sallyport(folder, 'dev', '--tunnel', 'none', '--json', '--no-keys')
    const told = (text: string) =>
      until(() => gateway.out().includes(text), { what: `it tells ${text}` })
    await told('"event":"ready"')
    await told('pnpm sallyport ca add corp <file>')

    expect(await sallyport(folder, 'ca', 'add', 'corp', 'root.pem', '--json').code).toBe(0)
    await told('{"event":"trust","server":"corp","change":"added"')
    await told('"state":"up"')

    const admin = sallyport(folder, 'admin', '--json')
    expect(await admin.code).toBe(0)
    const { url } = JSON.parse(admin.out()) as { url: string }
    expect(url).toMatch(/^http:\/\/localhost:\d+\/admin\/login\/[\w-]{43}$/)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(303)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(403)
    const secret = url.split('/').at(-1) ?? 'nothing'
    expect(gateway.out() + gateway.err()).not.toContain(secret)

    gateway.child.kill('SIGTERM')
    await gateway.code
    expect(runs(gateway.child.pid ?? 0)).toBe(false)
    const late = sallyport(folder, 'admin')
    expect(await late.code).toBe(2)
    expect(late.err()).toContain('No gateway runs in this folder')
    expect(late.out()).toBe('')
  })
})

describe('`sallyport admin`', () => {
  const run = async (address: AdminAddress | undefined, answers = true) => {
    const printed: string[] = []
    const output = { data: () => {}, answer: (lines: readonly string[]) => printed.push(...lines) }
    const code = await runAdmin({
      output: output as never,
      sessions: { issueLink: async () => ({ secret: 'secret', expiresAt: 0 }) },
      readAddress: async () => address,
      answers: async () => answers,
    })
    return { code, printed: printed.join('\n') }
  }

  it('prints the link whole, and what it is good for', async () => {
    const { code, printed } = await run({ origin: 'http://localhost:3001' })
    expect(code).toBe(0)
    expect(printed.split('\n')[0]).toBe('  http://localhost:3001/admin/login/secret')
    expect(printed).toContain('once')
  })

  it.each([
    ['no gateway runs', undefined, true, 'pnpm dev:https'],
    ['the gateway was killed', { origin: 'http://localhost:3001' }, false, 'pnpm dev:https'],
    ['every listener can be reached from elsewhere', { origin: undefined }, true, 'HOST'],
  ])('says what to do when %s', async (_what, address, answers, cure) => {
    await expect(run(address, answers)).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining(cure),
    })
  })
})
