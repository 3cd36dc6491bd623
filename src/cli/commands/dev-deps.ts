import type { ClientFiles } from '../../clients/client-files.ts'
import type { McpClient } from '../../clients/mcp-client.ts'
import type { UserFolders } from '../../clients/user-folders.ts'
import type { AppUrlFiles } from '../../config/app-url-files.ts'
import type { InstanceLock } from '../../config/instance-lock.ts'
import type { LoadedConfig } from '../../config/load.ts'
import type { GatewayFile, ResolvedConfig } from '../../config/resolved-config.ts'
import type { WatchConfigOptions } from '../../config/watch.ts'
import type { DoctorReport } from '../../doctor/run-checks.ts'
import type { Gateway, GatewayOptions } from '../../gateway.ts'
import type { Companions, CompanionsOptions } from '../companions.ts'
import type { KeyInput } from '../keys.ts'
import type { Output } from '../output.ts'

/** Something to tell that does not stop the start. */
export interface Finding {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** The clients that `dev` was asked to look after. */
export interface DevClients {
  readonly chosen: readonly McpClient[]
  /** Keep the address in their files. */
  readonly write: boolean
  readonly undoOnExit: boolean
  readonly folders: UserFolders
  readonly openFiles: (home: string) => ClientFiles
}

/** Everything `dev` is made of, so that tests can replace what touches the world. */
export interface DevDeps {
  readonly output: Output
  readonly input: KeyInput
  readonly process: NodeJS.Process
  readonly platform: NodeJS.Platform
  /** Monotonic, ms. */
  readonly now: () => number
  /** Whether keys are listened to when there is a terminal. */
  readonly keys: boolean
  readonly loadConfig: () => Promise<LoadedConfig>
  readonly takeInstanceLock: (home: string) => Promise<InstanceLock>
  readonly startGateway: (options: GatewayOptions) => Promise<Gateway>
  readonly openAppUrlFiles: (config: ResolvedConfig) => AppUrlFiles
  readonly watchConfig: (config: ResolvedConfig, options: WatchConfigOptions) => Promise<void>
  readonly reloadGatewayFile: (config: ResolvedConfig) => Promise<GatewayFile>
  readonly createCompanions: (options: CompanionsOptions) => Companions
  /** One line of words for who signed the local certificate. */
  readonly describeSigner: (caFile: string | undefined) => Promise<string | undefined>
  /** Looks at everything around a gateway that runs with this configuration, and changes nothing. */
  readonly examine: (config: ResolvedConfig) => Promise<DoctorReport>
  /** Longest time an orderly stop may take before we leave without it, ms. */
  readonly stopDeadlineMs: number
  /** Claude Code is shown, and nothing is written, without. */
  readonly clients?: DevClients
}
