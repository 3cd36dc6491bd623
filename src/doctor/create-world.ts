import { spawn } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { access, constants, readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir, networkInterfaces, tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { getCACertificates } from 'node:tls'
import { readInstanceLock } from '../config/instance-lock.ts'
import { loadConfig, readSettings, userFolderVariables } from '../config/load.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import { systemClock } from '../lib/clock.ts'
import { createHttpSender } from '../lib/http-sender.ts'
import { portHolder } from '../lib/port-holder.ts'
import { observeTls } from '../tls/observe-tls.ts'
import { tlsAddressOf } from '../tls/upstream/tls-failures.ts'
import { measureStream } from '../tunnels/probe-stream.ts'
import { ask, findGateway } from './find-gateway.ts'
import {
  type ConfigurationView,
  type DoctorWorld,
  type Handshake,
  localFilesOf,
  type ProgramResult,
} from './world.ts'

export interface OpenDoctorWorld extends DoctorWorld {
  /** Ends every connection and every program that still runs. */
  close(): Promise<void>
}

export interface CreateWorldOptions {
  readonly projectDir: string
  /** The environment of the process unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Of the gateway that asks about itself; read anew unless given. */
  readonly config?: ResolvedConfig
  /** Multiplies the time programs get, for a machine that is busy; 1 unless given. */
  readonly patience?: number
}

const programMs = 4_000
const connectionMs = 3_000

/** Opens the real world for the checks. The caller closes it. */
export async function createDoctorWorld(options: CreateWorldOptions): Promise<OpenDoctorWorld> {
  const { projectDir, patience = 1 } = options
  const settings = await readSettings(options)
  const configuration = await viewConfiguration(options)
  const { environment, dotenv } = settings
  const named = environment.SALLYPORT_HOME || dotenv.SALLYPORT_HOME || '.sallyport'
  const home = configuration.ok ? configuration.config.home : resolve(projectDir, named)
  const readText = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const files = await localFilesOf({ home, configuration, readText, now: Date.now })
  const sender = createHttpSender({
    ca: [...getCACertificates('default'), ...(files.authority ? [files.authority.toString()] : [])],
    // Our gateway is known by what it serves, so that we are never a client that refuses it.
    pinned: [files.leaf, files.addresses].flatMap((pair) => pair?.cert ?? []),
  })
  const life = new AbortController()
  const askOnce: DoctorWorld['ask'] = (url, request) => ask(sender, url, request)
  const lock = await readInstanceLock(home)
  const configured = configuration.ok ? Object.keys(configuration.config.profiles) : []
  return {
    projectDir,
    home,
    settings,
    configuration,
    platform: process.platform,
    folders: {
      platform: process.platform,
      home: environment.HOME || homedir(),
      projectDir,
      ...userFolderVariables(environment),
    },
    interfaces: networkInterfaces(),
    now: Date.now,
    gateway: await findGateway(lock, { ask: askOnce, configured }),
    ask: askOnce,
    readText,
    modeOf,
    isWritable,
    handshake: (origin, { ca: trusted = [] } = {}) =>
      handshake(origin, { ca: trusted, timeoutMs: connectionMs }),
    isListening,
    portHolder,
    lookup: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
    run: (program, args, { env, timeoutMs = programMs } = {}) =>
      runProgram(program, args, {
        env: { ...environment, ...env },
        timeoutMs: timeoutMs * patience,
        signal: life.signal,
      }),
    measureStream: (origin, request) =>
      measureStream(origin, {
        ...request,
        sender,
        clock: systemClock,
        signal: life.signal,
        deadlineMs: 4_500,
      }),
    async close() {
      life.abort()
      await sender.close()
    },
  }
}

async function viewConfiguration({
  config,
  ...options
}: CreateWorldOptions): Promise<ConfigurationView> {
  if (config) return { ok: true, config, warnings: [] }
  try {
    return { ok: true, ...(await loadConfig(options)) }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { ok: false, error }
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  // Windows has no such modes; the folder's access list decides there.
  if (process.platform === 'win32') return undefined
  return (await stat(path).catch(() => undefined))?.mode
}

async function isWritable(folder: string): Promise<boolean> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error.code)
  if (found === 'ENOENT' && dirname(folder) !== folder) return isWritable(dirname(folder))
  if (typeof found !== 'object' || !found.isDirectory()) return false
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const end = (listens: boolean) => {
      socket.destroy()
      resolve(listens)
    }
    socket.setTimeout(1_000, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/**
 * Shakes hands with an https origin as a client would that trusts `ca` besides what programs trust
 * by default. Never rejects.
 */
async function handshake(
  origin: string,
  { ca, timeoutMs }: { ca: readonly string[]; timeoutMs: number },
): Promise<Handshake> {
  const observed = await observeTls({
    ...tlsAddressOf(new URL(origin)),
    tls: { ca: [...getCACertificates('default'), ...ca] },
    timeoutMs,
  })
  if (observed.outcome === 'failed') {
    return { ok: false, code: observed.code, reason: observed.reason, certificate: undefined }
  }
  const { chain, problem } = observed
  const [certificate] = chain
  if (problem !== undefined) return { ok: false, code: problem, reason: problem, certificate }
  return certificate
    ? { ok: true, certificate }
    : { ok: false, code: 'NO_CERTIFICATE', reason: 'it shows no certificate', certificate }
}

const maxOutput = 64_000

/**
 * Runs a program in a process group of its own, and kills the group when the time is over or the
 * signal says so. It reads nothing, and starts in a folder without configuration. Never rejects.
 */
function runProgram(
  program: string,
  args: readonly string[],
  options: {
    env: Readonly<Record<string, string | undefined>>
    timeoutMs: number
    signal: AbortSignal
  },
): Promise<ProgramResult> {
  const { env, timeoutMs, signal } = options
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: tmpdir(),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    let output = ''
    const hear = (chunk: string) => {
      output = (output + chunk).slice(0, maxOutput)
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    const end = (result: ProgramResult) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve(result)
    }
    const stop = () => {
      killGroup(child.pid)
      end({ state: 'too-slow' })
    }
    const timer = setTimeout(stop, timeoutMs)
    signal.addEventListener('abort', stop, { once: true })
    child.once('error', () => end({ state: 'missing' }))
    child.once('close', (code) => end({ state: 'ended', code: code ?? -1, output }))
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
