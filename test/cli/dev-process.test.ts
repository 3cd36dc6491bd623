import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compileCache } from '../fixtures/compile-cache.ts'
import { outputOf, type ProcessOutput } from '../fixtures/output-of.ts'
import { childrenOf } from '../fixtures/processes.ts'
import { runs, temporaryFolder, until } from './helpers.ts'

const script = new URL('../../scripts/dev-https.ts', import.meta.url).pathname
const own = 'FOO=1\nAPP_URL=http://localhost:5173\n'

async function createProject(command = 'echo $$ > pid; echo "web at $APP_URL"; exec sleep 300') {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'config'))
  const file = { mcpServers: {}, dev: { processes: [{ name: 'web', command }] } }
  await writeFile(join(folder, 'config/gateway.json'), JSON.stringify(file))
  await writeFile(join(folder, '.env'), own)
  return folder
}

interface Running extends ProcessOutput {
  readonly child: ChildProcess
  readonly exit: Promise<number | null>
}

function start(
  folder: string,
  args: readonly string[] = ['--json'],
  settings: Record<string, string> = {},
): Running {
  const { PATH = '', HOME = '' } = process.env
  const ports = { PORT: '0', HTTPS_PORT: '0' }
  const root = join(folder, 'ca')
  const env = { PATH, HOME, ...compileCache, ...ports, SALLYPORT_CA_ROOT: root, ...settings }
  const child = spawn(process.execPath, [script, ...args], { cwd: folder, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  return { child, ...outputOf(child), exit }
}

async function ready({ out, err }: Running): Promise<{ appUrl: string; caFile?: string }> {
  await until(() => out().includes('"event":"ready"'), {
    what: `it is ready: ${out()} ${err()}`,
  })
  const line = out()
    .split('\n')
    .find((text) => text.includes('"event":"ready"'))
  return JSON.parse(line ?? '')
}

const envOf = (folder: string) => readFile(join(folder, '.env'), 'utf8')
const companionOf = (folder: string) =>
  until(async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => '')), {
    what: 'the companion runs',
  })

/** Ends a run by a signal: nothing of it is left, and its last line says why. */
async function expectUndoneOn(
  signal: NodeJS.Signals,
  { run, folder, companion }: { run: Running; folder: string; companion: number },
): Promise<void> {
  run.child.kill(signal)
  expect(await run.exit).toBe(0)
  expect(runs(companion)).toBe(false)
  expect(await envOf(folder)).toBe(own)
  expect(existsSync(join(folder, '.sallyport/gateway.lock'))).toBe(false)
  const last = JSON.stringify({ event: 'stopped', reason: signal })
  expect(run.out().trim().split('\n').at(-1)).toBe(last)
}

const slowLoading = `
import { registerHooks } from 'node:module'
const wait = 'for (let turn = 0; turn < 9; turn += 1) await new Promise(setImmediate);'
  + 'process.stderr.write("still loading");'
  + 'await new Promise((resolve) => process.stdin.once("end", resolve));'
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    return url.endsWith('/dev-world.ts') ? { ...loaded, source: wait + loaded.source } : loaded
  },
})`

describe.skipIf(process.platform === 'win32')('pnpm dev:https', () => {
  it('undoes everything on SIGTERM, though its standard input was at its end from the beginning', async () => {
    const folder = await createProject()
    const run = start(folder)
    run.child.stdin?.end()
    const { appUrl } = await ready(run)
    expect(appUrl).toMatch(/^https:\/\/localhost:\d+$/)
    expect(await envOf(folder)).toBe(`FOO=1\nAPP_URL=${appUrl}\n`)
    const companion = await companionOf(folder)
    await until(() => run.err().includes(`[web] web at ${appUrl}`), { what: 'it has spoken' })
    expect(run.child.exitCode).toBeNull()
    await expectUndoneOn('SIGTERM', { run, folder, companion })
    for (const line of run.out().trim().split('\n')) {
      expect(JSON.parse(line)).toHaveProperty('event')
    }
  })

  it('stops when the pipe on its standard input is closed', async () => {
    const folder = await createProject()
    const run = start(folder)
    await ready(run)
    const companion = await companionOf(folder)
    run.child.stdin?.end()
    expect(await run.exit).toBe(0)
    expect(runs(companion)).toBe(false)
    expect(run.out()).toContain('"reason":"standard input was closed"')
  })

  it('stops when that pipe is closed while the program still loads', async () => {
    const folder = await createProject()
    // Whoever loads it waits there until the pipe has ended, and long before that looked at it.
    const hook = `data:text/javascript,${encodeURIComponent(slowLoading)}`
    const run = start(folder, ['--json'], { NODE_OPTIONS: `--import=${hook}` })
    await until(() => run.err().includes('still loading'), { what: 'it loads' })
    run.child.stdin?.end()
    expect(await run.exit).toBe(0)
    expect(run.out()).toContain('"reason":"standard input was closed"')
  })

  it('is refused beside itself, and undoes everything on SIGHUP', async () => {
    const folder = await createProject()
    const first = start(folder)
    const { appUrl } = await ready(first)
    const companion = await companionOf(folder)
    const second = start(folder, [])
    expect(await second.exit).toBe(1)
    expect(second.out()).toBe('')
    expect(second.err()).toContain(`Sallyport already runs in this project at ${appUrl}`)
    expect(second.err()).not.toContain('    at ')
    expect(await envOf(folder)).toContain(appUrl)
    await expectUndoneOn('SIGHUP', { run: first, folder, companion })
  })

  it('tells every kind of edit that takes effect, and that the configuration is gone', async () => {
    const folder = await createProject()
    const run = start(folder)
    await ready(run)
    const applied = () => run.out().match(/"state":"applied","changes":\[.*?\]/g) ?? []
    const config = join(folder, 'config/gateway.json')
    const edits = [
      [{ mcpServers: {} }, '"dev.processes" was changed'],
      [{ mcpServers: {}, limits: { bodyMiB: 1 } }, '"limits" was changed'],
      [{ mcpServers: {}, limits: { bodyMiB: 1 }, allowedHosts: ['a.example'] }, '"allowedHosts"'],
    ] as const
    for (const [index, [file, words]] of edits.entries()) {
      await writeFile(config, JSON.stringify(file))
      await until(() => applied().length > index, { what: 'the edit is applied' })
      expect(applied().at(-1)?.replaceAll('\\', '')).toContain(words)
      expect(applied().at(-1)?.split('was changed')).toHaveLength(2)
    }
    await writeFile(config, JSON.stringify(edits.at(-1)?.[0], null, 2))
    await until(() => applied().length > edits.length, { what: 'it is read again' })
    expect(applied().at(-1)).toContain('"changes":[]')
    await rm(config)
    await until(() => run.out().includes('config/gateway.json is gone'), { what: 'it says so' })
    expect(run.child.exitCode).toBeNull()
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })

  it('leaves neither its APP_URL nor a companion behind when it is killed', async () => {
    const folder = await createProject()
    await writeFile(join(folder, 'web.env'), 'A=1\n')
    const run = start(folder, ['--json'], { APP_URL_FILES: '.env,web.env,new.env' })
    const { appUrl } = await ready(run)
    const companion = await companionOf(folder)
    expect(await readFile(join(folder, 'web.env'), 'utf8')).toBe(`A=1\nAPP_URL=${appUrl}\n`)
    run.child.kill('SIGKILL')
    await run.exit
    await until(() => !runs(companion), { what: 'the companion is gone' })
    await until(async () => (await envOf(folder)) === own, { what: '.env is as it was' })
    await until(() => !existsSync(join(folder, 'new.env')), { what: 'the new file is gone' })
    const other = () => readFile(join(folder, 'web.env'), 'utf8')
    await until(async () => (await other()) === 'A=1\n', { what: 'the other file is as it was' })
  })

  it('repairs APP_URL at the next start when what outlives it was killed as well', async () => {
    const folder = await createProject()
    const first = start(folder)
    const before = await ready(first)
    await companionOf(folder)
    const { pid = 0 } = first.child
    // While it is stopped, it starts no other.
    first.child.kill('SIGSTOP')
    for (const child of childrenOf(pid)) process.kill(child, 'SIGKILL')
    first.child.kill('SIGKILL')
    await first.exit
    expect(await envOf(folder)).toContain(before.appUrl)
    await rm(join(folder, 'pid'))
    const second = start(folder)
    await ready(second)
    expect(second.out()).toContain('APP_URL_RECOVERED')
    const next = await companionOf(folder)
    await expectUndoneOn('SIGINT', { run: second, folder, companion: next })
  })

  it('quits at once on a second signal, with 130 and without leaving a companion', async () => {
    const folder = await createProject(
      `trap '' TERM INT; echo $$ > pid; while :; do sleep 0.2; done`,
    )
    const run = start(folder)
    await ready(run)
    const companion = await companionOf(folder)
    run.child.kill('SIGINT')
    const pressing = setInterval(() => run.child.kill('SIGINT'), 200)
    onTestFinished(() => clearInterval(pressing))
    expect(await run.exit).toBe(130)
    await until(() => !runs(companion), { what: 'the companion is gone' })
    await until(async () => (await envOf(folder)) === own, { what: '.env is as it was' })
  })

  it('prints for people on standard output, and the steps on standard error', async () => {
    const folder = await createProject('exit 4')
    const run = start(folder, [])
    await until(() => run.out().includes('NODE_EXTRA_CA_CERTS='), { what: 'it is ready' })
    await until(() => run.err().includes('Companion "web" ended: exit code 4.'), {
      what: 'it says so',
    })
    expect(run.out()).toContain('claude mcp add --transport http sallyport https://localhost:')
    expect(run.out()).not.toContain('\x1b')
    expect(run.err()).not.toContain('\x1b')
    expect(run.err()).toContain('Opening ports')
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })

  it('names what is wrong with an option and ends with 2', async () => {
    const run = start(await createProject(), ['--', '--prot', '1'])
    expect(await run.exit).toBe(2)
    expect(run.err()).toContain("Unknown option '--prot'.")
  })
})
