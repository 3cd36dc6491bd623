import type { X509Certificate } from 'node:crypto'
import type { UserFolders } from '../clients/user-folders.ts'
import type { RawSettings } from '../config/load.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { UserError } from '../errors.ts'
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
