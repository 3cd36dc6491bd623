import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { clientFileMemoryPath, createClientFiles } from '../../clients/client-files.ts'
import { requireClient } from '../../clients/mcp-clients.ts'
import { appUrlJournalFile, createAppUrlFiles } from '../../config/app-url-files.ts'
import { takeInstanceLock } from '../../config/instance-lock.ts'
import { loadConfig, reloadGatewayFile } from '../../config/load.ts'
import type { ConfigOverrides } from '../../config/resolve-environment.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { watchConfig } from '../../config/watch.ts'
import { UserError } from '../../errors.ts'
import { startGateway } from '../../gateway.ts'
import { nameIn } from '../../tls/certificate.ts'
import { createCompanions } from '../companions.ts'
import type { KeyInput } from '../keys.ts'
import type { World } from '../output.ts'
import { outliveForAppUrl } from '../put-back-app-url.ts'
import type { StdinWatch } from '../stop-reasons.ts'
import { userFolders } from './client.ts'

/** The options of `sallyport dev`, as they were typed. */
export interface DevFlags {
  readonly port?: string
  readonly httpsPort?: string
  readonly host?: string
  readonly tunnel?: string
  readonly allowAnonymous?: boolean
  readonly anySubdomain?: boolean
  readonly config?: string
  readonly strictPort?: boolean
  /** Ids of clients, separated by commas. */
  readonly client?: string
  readonly write?: boolean
  readonly undoOnExit?: boolean
  readonly json?: boolean
  readonly https: boolean
  readonly keys: boolean
}

/** Something to tell that does not stop the start. */
export interface Notice {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** The clients that `dev` was asked to look after. */
export type DevClients = NonNullable<ReturnType<typeof devClients>>

export type DevWorld = ReturnType<typeof createDevWorld>

/**
 * Everything `dev` is made of, so that tests can replace what touches the world.
 * @throws UserError USAGE for clients that do not exist, and for flags that need them
 */
export function createDevWorld(
  flags: DevFlags,
  { output, process, stdin }: World & { readonly stdin: StdinWatch },
) {
  const projectDir = process.cwd()
  return {
    output,
    process,
    stdin,
    input: process.stdin as KeyInput,
    platform: process.platform,
    /** Monotonic, ms. */
    now: () => performance.now(),
    /** Whether keys are listened to when there is a terminal. */
    keys: flags.keys && !output.json && process.stdin.isTTY && process.stdout.isTTY,
    loadConfig: () => loadConfig({ projectDir, overrides: overridesOf(flags) }),
    reloadGatewayFile,
    watchConfig,
    takeInstanceLock,
    startGateway,
    createCompanions,
    describeSigner,
    openAppUrlFiles: (config: ResolvedConfig) =>
      createAppUrlFiles({
        files: config.appUrlFiles,
        journalFile: appUrlJournalFile(config.home),
        pid: process.pid,
        // We hold the lock of this folder, so whoever left the journal there is gone.
        isAlive: () => false,
        outlive: () => outliveForAppUrl(config.home),
      }),
    /** Looks at everything around a gateway that runs with this configuration, and changes nothing. */
    async examine(config: ResolvedConfig) {
      const { examine } = await import('../../doctor/examine.ts')
      return examine({ projectDir, config })
    },
    /** Longest time an orderly stop may take before we leave without it, ms. */
    stopDeadlineMs: 15_000,
    /** Claude Code is shown, and nothing is written, without. */
    clients: devClients(flags, process),
  }
}

function devClients(flags: DevFlags, process: NodeJS.Process) {
  const { client, write = false, undoOnExit = false } = flags
  if ((write && client === undefined) || (undoOnExit && !write)) {
    throw new UserError(
      'USAGE',
      `${write ? '--write' : '--undo-on-exit'} says nothing by itself.`,
      {
        hint: 'Such as `pnpm dev:https --client claude-code,cursor --write --undo-on-exit`.',
      },
    )
  }
  if (client === undefined) return undefined
  return {
    chosen: client.split(',').map((id) => requireClient(id.trim())),
    /** Keep the address in their files. */
    write,
    undoOnExit,
    folders: userFolders(process),
    openFiles: (home: string) => createClientFiles({ memoryFile: clientFileMemoryPath(home) }),
  }
}

/** One line of words for who signed the local certificate. */
async function describeSigner(caFile: string | undefined): Promise<string | undefined> {
  if (caFile === undefined) return 'your own certificate (SSL_CERT_PATH)'
  const { subject } = new X509Certificate(await readFile(caFile))
  return `signed by ${nameIn(subject)}`
}

/** The flags that say what the environment could say as well. */
function overridesOf(flags: DevFlags): ConfigOverrides {
  const { config, json: _json, keys: _keys, client: _client, write: _write, ...rest } = flags
  const { undoOnExit: _undo, ...others } = rest
  return { ...others, configFile: config }
}
