import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { cp } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ReadyEvent } from '../../src/gateway-events.ts'

/** `npx pnpm@12 dev:https --json`, run as a person runs it, in a copy of the repository. */
export interface DevHttps {
  readonly ready: ReadyEvent
  /** Ctrl-C; resolves with whether the program went by itself and its port is free again. */
  stop(): Promise<boolean>
}

export interface DevHttpsOptions {
  /** The repository. */
  readonly source: string
  /** A folder for the copy and for the authority's key. */
  readonly scratch: string
  readonly logFile: string
  readonly environment: Record<string, string>
}

const installAndStartMs = 5 * 60_000
const stopMs = 15_000
const leftOut = new Set(['node_modules', '.git', '.sallyport', '.env', 'test-results'])

/** Copies what a clone would have, starts it and waits until it is ready. */
export async function startDevHttps(options: DevHttpsOptions): Promise<DevHttps> {
  const { source, scratch, logFile, environment } = options
  const cwd = join(scratch, 'clone')
  await cp(source, cwd, { recursive: true, filter: (path) => !leftOut.has(basename(path)) })
  // A process group of its own: npx, pnpm and node are ended together.
  const child = spawn('npx', ['--yes', 'pnpm@12', 'dev:https', '--json'], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SALLYPORT_CA_ROOT: join(scratch, 'ca'), ...environment },
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  child.stderr.pipe(log, { end: false })
  try {
    const ready = await readReady(child)
    return { ready, stop: () => stop(child, new URL(ready.appUrl)) }
  } catch (error) {
    signalGroup(child, 'SIGKILL')
    throw error
  }
}

async function readReady(child: ChildProcess): Promise<ReadyEvent> {
  if (!child.stdout) throw new Error('the program has no output')
  const lines = createInterface({ input: child.stdout })
  const limit = AbortSignal.timeout(installAndStartMs)
  return new Promise((resolve, reject) => {
    // pnpm prints what it runs before the program's own lines.
    lines.on('line', (line) => {
      if (!line.startsWith('{')) return
      const event = JSON.parse(line) as ReadyEvent | { event: 'other' }
      if (event.event === 'ready') resolve(event)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`it ended with ${code} before it was ready`)))
    limit.addEventListener('abort', () => reject(new Error('it was not ready in time')))
  })
}

async function stop(child: ChildProcess, address: URL): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return false
  const gone = once(child, 'exit')
  signalGroup(child, 'SIGINT')
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), stopMs)
  await gone
  clearTimeout(timer)
  const wentByItself = child.signalCode !== 'SIGKILL'
  return wentByItself && !(await isListening(address))
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, signal)
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

async function isListening({ hostname, port }: URL): Promise<boolean> {
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
