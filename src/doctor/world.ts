import type { X509Certificate } from 'node:crypto'
import { relative } from 'node:path'
import type { UserFolders } from '../clients/user-folders.ts'
import type { RawSettings } from '../config/load.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { UserError } from '../errors.ts'
import { shortPath } from '../lib/short-path.ts'
import { ownCertificateFiles } from '../tls/configured-certificate.ts'
import { type LocalFiles, readLocalFiles } from '../tls/local-files.ts'
import type { NetworkInterfaces } from '../tls/local-names.ts'

/** What checks see of the world. Everything in it only looks, and answers within a time of its own. */
export interface DoctorWorld {
  readonly projectDir: string
  /** The folder of state (`.sallyport`), also while the configuration cannot be read. */
  readonly home: string
  readonly platform: NodeJS.Platform
  /** Where the user's programs keep their files. */
  readonly folders: UserFolders
  readonly settings: RawSettings
  readonly configuration: ConfigurationView
  readonly gateway: GatewayView
  readonly interfaces: NetworkInterfaces
  /** Ms since the epoch. */
  readonly now: () => number
  /** A file's text; undefined when it cannot be read. */
  readText(path: string): Promise<string | undefined>
  /** Mode bits of a file; undefined when there is none, and on Windows. */
  modeOf(path: string): Promise<number | undefined>
  /** Whether files can be made in a folder, which may not be there yet. */
  isWritable(folder: string): Promise<boolean>
  /** Sends one request, follows no redirect, and trusts what programs trust by default and our authority. */
  ask(url: string, request?: AskOptions): Promise<Answer>
  /** Shakes hands as a client that trusts `ca` besides the usual, and shows what was served. */
  handshake(origin: string, options?: { ca?: readonly string[] }): Promise<Handshake>
  /** Whether something listens on that port of this machine. */
  isListening(port: number): Promise<boolean>
  /** `node (pid 4242)`, where the system tells. */
  portHolder(port: number): Promise<string | undefined>
  /** Addresses by the system's resolver. @throws the system's error */
  lookup(hostname: string): Promise<readonly string[]>
  /** Runs a program of the PATH in the environment of now; it is killed when it takes too long. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<ProgramResult>
  /** See `measureStream`: whether a stream through an address arrives as it is written. */
  measureStream(origin: string, options: StreamRequest): Promise<StreamResult>
}

export type ConfigurationView =
  | { readonly ok: true; readonly config: ResolvedConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly error: UserError }

/** The gateway of this folder. */
export type GatewayView =
  | { readonly state: 'absent' }
  /** Its lock is there, but it is not. */
  | { readonly state: 'stale' }
  /** It runs, and does not answer. */
  | { readonly state: 'silent'; readonly pid: number; readonly address: string | undefined }
  | RunningGateway

export interface RunningGateway {
  readonly state: 'running'
  readonly pid: number
  readonly version: string
  /** The address everything is derived from. */
  readonly appUrl: string
  /** `appUrl` when it leads here from elsewhere. */
  readonly publicOrigin: string | undefined
  /** Origins of its own listeners, the one to show first. */
  readonly localOrigins: readonly string[]
  /** The local origin that answers what concerns the owner alone. */
  readonly ownerOrigin: string
  readonly profiles: readonly string[]
  /** What it says is wrong with what they show. */
  readonly problems: readonly string[]
}

export interface AskOptions {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Longest time, ms. */
  readonly timeoutMs?: number
}

export type Answer =
  | {
      readonly ok: true
      readonly status: number
      header(name: string): string | undefined
      /** At most 64 KB of it. */
      readonly text: string
    }
  | { readonly ok: false; readonly code: string; readonly reason: string }

export type Handshake =
  | { readonly ok: true; readonly certificate: X509Certificate }
  | {
      readonly ok: false
      /** Such as `CERT_HAS_EXPIRED` or `ECONNREFUSED`. */
      readonly code: string
      readonly reason: string
      /** What was served, where it came to that. */
      readonly certificate: X509Certificate | undefined
    }

export interface RunOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

export type ProgramResult =
  | { readonly state: 'ended'; readonly code: number; readonly output: string }
  /** There is no such program. */
  | { readonly state: 'missing' }
  | { readonly state: 'too-slow' }

export interface StreamRequest {
  readonly method: 'GET' | 'POST'
  readonly ticket: string
}

export type StreamResult =
  | { readonly state: 'live'; readonly firstByteMs: number }
  | { readonly state: 'withheld' }
  | { readonly state: 'failed'; readonly reason: string }

/** The configuration; undefined while it cannot be read, which a check of its own reports. */
export function configOf({ configuration }: DoctorWorld): ResolvedConfig | undefined {
  return configuration.ok ? configuration.config : undefined
}

/** The gateway of this folder, if it runs and answers. */
export function runningGateway({ gateway }: DoctorWorld): RunningGateway | undefined {
  return gateway.state === 'running' ? gateway : undefined
}

/** The address clients are meant to use; undefined when only a start could tell. */
export function addressOf(world: DoctorWorld): string | undefined {
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
