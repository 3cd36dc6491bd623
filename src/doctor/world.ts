import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { homedir, networkInterfaces } from 'node:os'
import { relative, resolve } from 'node:path'
import { getCACertificates } from 'node:tls'
import { readInstanceLock } from '../config/instance-lock.ts'
import { loadConfig, readSettings, userFolderVariables } from '../config/load.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import { systemClock } from '../lib/clock.ts'
import { createHttpSender } from '../lib/http-sender.ts'
import { portHolder } from '../lib/port-holder.ts'
import { shortPath } from '../lib/wording.ts'
import { ownCertificateFiles } from '../tls/configured-certificate.ts'
import { type LocalFiles, readLocalFiles } from '../tls/local-files.ts'
import { measureStream } from '../tunnels/probe-stream.ts'
import { type Ask, ask, findGateway, type RunningGateway } from './find-gateway.ts'
import { handshake, isListening, isWritable, modeOf, tryProgram } from './probes.ts'

type ConfigurationView =
  | { readonly ok: true; readonly config: ResolvedConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly error: UserError }

export interface CreateWorldOptions {
  readonly projectDir: string
  /** The environment of the process unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Of the gateway that asks about itself; read anew unless given. */
  readonly config?: ResolvedConfig
  /** Multiplies the time that everything gets, for a machine that is busy; 1 unless given. */
  readonly patience?: number
}

const answerMs = 2_500
const programMs = 4_000
const streamMs = 4_500
const connectionMs = 3_000

/** What checks see of the world. Everything in it only looks, and answers within a time of its own. */
export type DoctorWorld = Omit<Awaited<ReturnType<typeof createDoctorWorld>>, 'close'>

/** Opens the real world for the checks. The caller closes it. */
export async function createDoctorWorld(options: CreateWorldOptions) {
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
  const askOnce: Ask = (url, { timeoutMs = answerMs, ...request } = {}) =>
    ask(sender, url, { ...request, timeoutMs: timeoutMs * patience })
  const lock = await readInstanceLock(home)
  const configured = configuration.ok ? Object.keys(configuration.config.profiles) : []
  return {
    projectDir,
    /** The folder of state (`.sallyport`), also while the configuration cannot be read. */
    home,
    settings,
    configuration,
    platform: process.platform as NodeJS.Platform,
    /** Where the user's programs keep their files. */
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
    /** A file's text; undefined when it cannot be read. */
    readText,
    modeOf,
    isWritable,
    /** Shakes hands as a client that trusts `ca` besides the usual, and shows what was served. */
    handshake: (origin: string, { ca: trusted = [] }: { ca?: readonly string[] } = {}) =>
      handshake(origin, { ca: trusted, timeoutMs: connectionMs * patience }),
    isListening,
    portHolder,
    /** Addresses by the system's resolver. @throws the system's error */
    lookup: async (name: string): Promise<readonly string[]> =>
      (await lookup(name, { all: true })).map(({ address }) => address),
    /** Runs a program of the PATH in the environment of now; it is killed when it takes too long. */
    run: (
      program: string,
      args: readonly string[],
      {
        env,
        timeoutMs = programMs,
      }: { env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
    ) =>
      tryProgram(program, args, {
        env: { ...environment, ...env },
        timeoutMs: timeoutMs * patience,
        signal: life.signal,
      }),
    /** See `measureStream`: whether a stream through an address arrives as it is written. */
    measureStream: (origin: string, request: { method: 'GET' | 'POST'; ticket: string }) =>
      measureStream(origin, {
        ...request,
        sender,
        clock: systemClock,
        signal: life.signal,
        deadlineMs: streamMs * patience,
      }),
    /** Ends every connection and every program that still runs. */
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

/** The configuration; undefined while it cannot be read, which a check of its own reports. */
export function configOf({ configuration }: DoctorWorld): ResolvedConfig | undefined {
  return configuration.ok ? configuration.config : undefined
}

/** The gateway of this folder, if it runs and answers. */
export function runningGateway({ gateway }: DoctorWorld): RunningGateway | undefined {
  return gateway.state === 'running' ? gateway : undefined
}

/** The address clients are meant to use; undefined when only a start could tell. */
export function appUrlOf(world: DoctorWorld): string | undefined {
  const running = runningGateway(world)
  if (running) return running.appUrl
  const config = configOf(world)
  if (!config || config.appUrl !== undefined) return config?.appUrl
  const { httpPort, httpsPort } = config.listen
  if (config.tunnel === 'local' && httpsPort !== 0) return `https://localhost:${httpsPort}`
  return config.tunnel === 'none' && httpPort !== 0 ? `http://localhost:${httpPort}` : undefined
}

/** The address that leads here from elsewhere, if there is one. */
export function publicOriginIn(world: DoctorWorld): string | undefined {
  const running = runningGateway(world)
  return running ? running.publicOrigin : configOf(world)?.appUrl
}

/** What is, or would be, served on this machine. */
export function localFilesOf(
  world: Pick<DoctorWorld, 'home' | 'configuration' | 'readText' | 'now'>,
): Promise<LocalFiles> {
  const { home, configuration, readText } = world
  const own = configuration.ok ? ownCertificateFiles(configuration.config) : undefined
  return readLocalFiles({ home, own, readText, now: world.now() })
}

/** A path as somebody in the project would name it, the home folder as `~`. */
export function namePath(path: string, { projectDir, folders }: DoctorWorld): string {
  const short = shortPath(path, projectDir)
  if (short !== path) return short
  const below = relative(folders.home, path)
  return below.startsWith('..') ? path : `~/${below}`
}

/** The line that makes the shell of now trust our authority, in that shell's own words. */
export function environmentCommand({
  platform,
  settings,
}: Pick<DoctorWorld, 'platform' | 'settings'>): string {
  const print = 'pnpm -s sallyport env --shell'
  if (platform === 'win32') return `${print} powershell | Out-String | Invoke-Expression`
  return /\bfish$/.test(settings.environment.SHELL ?? '')
    ? `${print} fish | source`
    : `eval "$(${print} bash)"`
}
