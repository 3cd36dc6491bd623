import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { clientFileMemoryPath, createClientFiles } from '../../clients/client-files.ts'
import { requireClient } from '../../clients/mcp-clients.ts'
import { appUrlJournalFile, createAppUrlFiles } from '../../config/app-url-files.ts'
import { takeInstanceLock } from '../../config/instance-lock.ts'
import { loadConfig, reloadGatewayFile } from '../../config/load.ts'
import type { ConfigOverrides } from '../../config/resolve-environment.ts'
import { watchConfig } from '../../config/watch.ts'
import { UserError } from '../../errors.ts'
import { startGateway } from '../../gateway.ts'
import { nameIn } from '../../tls/certificate.ts'
import type { DevFlags } from '../command-actions.ts'
import type { CommandWorld } from '../command-world.ts'
import { createCompanions } from '../companions.ts'
import { outliveForAppUrl } from '../put-back-app-url.ts'
import { userFolders } from './client-world.ts'
import type { DevDeps } from './dev-deps.ts'

/** What `dev` is made of in the real world. */
export function createDevDeps({
  output,
  process,
  flags,
}: CommandWorld & { readonly flags: DevFlags }): DevDeps {
  const projectDir = process.cwd()
  return {
    output,
    process,
    input: process.stdin,
    platform: process.platform,
    now: () => performance.now(),
    keys: flags.keys && !output.json && process.stdin.isTTY && process.stdout.isTTY,
    loadConfig: () => loadConfig({ projectDir, overrides: overridesOf(flags) }),
    reloadGatewayFile: (config) => reloadGatewayFile(config),
    watchConfig,
    takeInstanceLock,
    startGateway,
    createCompanions,
    describeSigner,
    openAppUrlFiles: (config) =>
      createAppUrlFiles({
        files: config.appUrlFiles,
        journalFile: appUrlJournalFile(config.home),
        pid: process.pid,
        // We hold the lock of this folder, so whoever left the journal there is gone.
        isAlive: () => false,
        outlive: () => outliveForAppUrl(config.home),
      }),
    async examine(config) {
      const { examine } = await import('./doctor-world.ts')
      return examine({ projectDir, config })
    },
    stopDeadlineMs: 15_000,
    ...devClients(flags, process),
  }
}

/** @throws UserError USAGE for clients that do not exist, and for flags that need them */
function devClients(flags: DevFlags, process: NodeJS.Process): Pick<DevDeps, 'clients'> {
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
  if (client === undefined) return {}
  return {
    clients: {
      chosen: client.split(',').map((id) => requireClient(id.trim())),
      write,
      undoOnExit,
      folders: userFolders(process),
      openFiles: (home) => createClientFiles({ memoryFile: clientFileMemoryPath(home) }),
    },
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
