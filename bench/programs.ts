import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What a process says of itself. */
export interface Usage {
  /** User and system time, µs. */
  readonly cpuMicros: number
  /** After garbage collections where memory was asked for, bytes. */
  readonly rss: number
}

/** A process that is measured, or stands behind one that is. */
export interface Program {
  readonly child: ChildProcess
  readonly url: URL
  /** What it printed, of JSON. */
  readonly printed: readonly Record<string, unknown>[]
  usage(what: 'cpu' | 'memory'): Promise<Usage>
  close(): Promise<void>
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const open = new Set<Program>()
const folders = new Set<string>()

/** Starts a program of Node's and waits until it says its address, or answers at the one it was given. */
export async function startProgram(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; url?: string } = {},
): Promise<Program> {
  const execArgs = ['--expose-gc', '--import', here('tell-usage.mjs')]
  const child = spawn(process.execPath, [...execArgs, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', options.url ? 'ignore' : 'inherit', 'ipc'],
  })
  const printed: Record<string, unknown>[] = []
  const said = Promise.withResolvers<string>()
  child.once('exit', (code) => said.reject(new Error(`${args.join(' ')} exited with ${code}`)))
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    if (!line.startsWith('{')) return
    const event = JSON.parse(line)
    printed.push(event)
    if (event.url) said.resolve(event.url)
    if (event.event === 'ready') said.resolve(event.profiles[0].url)
  })
  const url = new URL(await (options.url ? answering(options.url, said.promise) : said.promise))
  const program: Program = {
    child,
    url,
    printed,
    async usage(what) {
      child.send(what)
      const [{ usage }] = (await once(child, 'message')) as [{ usage: Usage }]
      return usage
    },
    async close() {
      open.delete(program)
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      child.stdin?.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      if (options.url) child.kill()
      await gone
      clearTimeout(timer)
    },
  }
  open.add(program)
  return program
}

/** Ends every program that was started, and removes their folders. */
export async function closeAll(): Promise<void> {
  await Promise.all([...open].map((program) => program.close()))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  folders.clear()
}

async function answering(url: string, failed: Promise<string>): Promise<string> {
  for (;;) {
    const tried = fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.body?.cancel().then(() => true),
      () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 100)),
    )
    if (await Promise.race([tried, failed])) return url
  }
}

export const startServer = (file: string, ...args: string[]) =>
  startProgram([here(`servers/${file}`), ...args])

/** The command line of the raw server over stdio. */
export const rawStdio = (era: string) => [process.execPath, here('servers/raw-stdio.ts'), era]

/** A folder of the gateway's own, with its configuration. */
export interface Home {
  readonly folder: string
}

export function createHome(file: object): Home {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  mkdirSync(join(folder, 'config'))
  writeFileSync(join(folder, 'config/gateway.json'), JSON.stringify(file))
  folders.add(folder)
  return { folder }
}

/** The configuration of one server, at an address or with a command line. */
export function serverEntry(server: URL | readonly string[]): object {
  if (server instanceof URL) return { type: 'http', url: server.href }
  const [command, ...args] = server
  return { command, args }
}

/** The profile `default`, over HTTP and over HTTPS. */
export interface Gateway extends Program {
  readonly secureUrl: URL
}

/** What `pnpm dev:https` gives Node: flags of Node's, and the script. */
function devArgs(): string[] {
  const { scripts } = JSON.parse(readFileSync(here('../package.json'), 'utf8'))
  const [, ...args] = scripts['dev:https'].split(' ') as string[]
  return args.map((arg) => (/^(\.\/)?scripts\//.test(arg) ? here(join('..', arg)) : arg))
}

/** The gateway as `pnpm dev:https` starts it, without a tunnel: local HTTPS and HTTP. */
export async function startGateway(
  home: Home,
  options: { env?: Record<string, string> } = {},
): Promise<Gateway> {
  const args = ['--tunnel', 'local', '--port', '0', '--https-port', '0', '--json', '--no-keys']
  const caRoot = join(home.folder, 'ca')
  const program = await startProgram([...devArgs(), ...args], {
    cwd: home.folder,
    env: { SALLYPORT_CA_ROOT: caRoot, CAROOT: caRoot, ...options.env },
  })
  const ready = program.printed.find(({ event }) => event === 'ready')
  const origins = ready?.origins as string[]
  const at = (scheme: string) => {
    const origin = origins.find((one) => one.startsWith(`${scheme}://127.0.0.1:`))
    return new URL('/api/mcp/default', origin)
  }
  return { ...program, url: at('http'), secureUrl: at('https') }
}
