import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { outputOf } from '../fixtures/output-of.ts'
import { sallyport } from './command.ts'
import { temporaryFolder, until } from './helpers.ts'

const script = new URL('../../scripts/dev-https.ts', import.meta.url).pathname
const own = 'APP_URL=http://localhost:5173\n'

/** A project, and the environment of somebody who works there. */
async function createProject(settings: Record<string, string> = {}) {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'config'))
  await writeFile(join(folder, 'config/gateway.json'), '{"mcpServers":{}}')
  await writeFile(join(folder, '.env'), own)
  const ours = { PORT: '0', HTTPS_PORT: '0', SALLYPORT_CA_ROOT: join(folder, 'ca') }
  const env = { PATH: process.env.PATH ?? '', HOME: folder, ...ours, ...settings }
  const read = (path: string) => readFile(join(folder, path), 'utf8')
  return { cwd: folder, env, read }
}

// The screen breaks lines where it likes.
const onOneLine = (text: string) => text.replace(/\s+/g, ' ')

/** A start for people that fails. */
async function failedStart(kind: string, settings?: Record<string, string>) {
  const project = await createProject(settings)
  const { code, out, err } = await sallyport(['dev', '--tunnel', kind], project)
  return { code, out, err: onOneLine(err), read: project.read }
}

/** `pnpm dev:https` for people. */
async function startDev(args: readonly string[], settings: Record<string, string> = {}) {
  const { cwd, env, read } = await createProject(settings)
  const child = spawn(process.execPath, [script, ...args], { cwd, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  const { out, err } = outputOf(child)
  return { child, read, out, err: () => onOneLine(err()), ended: ended(child) }
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close')
  return code
}

function times(text: string, part: string): number {
  return text.split(part).length - 1
}

describe.skipIf(process.platform === 'win32')('a tunnel that was asked for', () => {
  it.each([['foo', 'There is no tunnel "foo". There are auto, external, none, or an order of']])(
    'is refused before anything is started when there is no such thing: %s',
    async (kind, words) => {
      const { code, err, out } = await failedStart(kind)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(times(err, words)).toBe(1)
      expect(err).not.toMatch(/Starting|Opening|Preparing/)
    },
  )

  it.each([
    ['command', 'No tunnel command was given.'],
    ['ngrok,command', 'No authtoken of ngrok was given.'],
  ])(
    'ends the start in one message, and promises nothing, when it is not set up: %s',
    async (kind, words) => {
      const { code, err, out } = await failedStart(kind)
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(times(err, words)).toBe(1)
      expect(err).toContain('With "local" at the end of --tunnel, local HTTPS is used instead.')
      expect(err).not.toMatch(/are served|no network/i)
    },
  )

  it('is tried though there may be no network', async () => {
    const program = join(await temporaryFolder(), 'cloudflared')
    await writeFile(program, '#!/bin/sh\necho ran > ran\nexit 3\n')
    await chmod(program, 0o755)
    const { code, err, read } = await failedStart('cloudflare', { CLOUDFLARED_BIN: program })
    expect(code).toBe(1)
    expect(await read('ran')).toBe('ran\n')
    expect(times(err, 'cloudflared exited with code 3')).toBe(1)
    expect(err).not.toMatch(/are served|no network/i)
  })

  it('is given up at once on Ctrl-C, and nothing more is said', async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const host = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const run = await startDev(['--tunnel', 'localtunnel,local'], { LOCALTUNNEL_HOST: host })
    await until(() => sockets.length > 0, { what: 'the tunnel is being opened' })
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(0)
    expect(run.err()).toMatch(/Stopping Stopped\. $/)
    expect(run.out()).toBe('')
    expect(await run.read('.env')).toBe(own)
  })
})
