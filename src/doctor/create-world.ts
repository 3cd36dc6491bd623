import { lookup } from 'node:dns/promises'
import { access, constants, readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir, networkInterfaces } from 'node:os'
import { dirname, resolve } from 'node:path'
import { getCACertificates } from 'node:tls'
import { readInstanceLock } from '../config/instance-lock.ts'
import { loadConfig, readSettings, userFolderVariables } from '../config/load.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import { systemClock } from '../lib/clock.ts'
import { createHttpSender } from '../lib/http-sender.ts'
import { portHolder } from '../lib/port-holder.ts'
import { measureStream } from '../tunnels/probe-stream.ts'
import { ask } from './ask.ts'
import { localFilesOf } from './config-of.ts'
import { findGateway } from './find-gateway.ts'
import { runProgram } from './run-program.ts'
import { handshake } from './tls-handshake.ts'
import type { ConfigurationView, DoctorWorld } from './world.ts'

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
