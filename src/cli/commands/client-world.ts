import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { clientFileMemoryPath, createClientFiles } from '../../clients/client-files.ts'
import type { TrustFilePaths } from '../../clients/trust-variables.ts'
import type { UserFolders } from '../../clients/user-folders.ts'
import { runningGateway } from '../../config/instance-lock.ts'
import { loadConfig, userFolderVariables } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { combineOptions, lookAtCertificate } from '../../gateway/open-certificate.ts'
import { combineTrustFiles } from '../../tls/trust-files.ts'
import { copyToClipboard } from '../clipboard.ts'
import type { CommandWorld } from '../command-world.ts'
import type { ClientDeps } from './client.ts'

/** What `client` is made of in the real world. */
export async function createClientDeps({ output, process }: CommandWorld): Promise<ClientDeps> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const { platform } = process
  return {
    output,
    platform,
    config,
    folders: userFolders(process),
    files: createClientFiles({ memoryFile: clientFileMemoryPath(config.home) }),
    runningAt: () => runningGateway(config.home),
    trustFiles: await trustFilesOf(config),
    copy: (text) =>
      copyToClipboard(text, { platform, writeTerminal: (sequence) => output.sequence(sequence) }),
  }
}

/** Where this user's programs keep their files. */
export function userFolders(process: NodeJS.Process): UserFolders {
  return {
    platform: process.platform,
    home: homedir(),
    projectDir: process.cwd(),
    ...userFolderVariables(),
  }
}

/** Those that a start writes, or has written; none where the root of the user's own is not known. */
async function trustFilesOf(config: ResolvedConfig): Promise<TrustFilePaths | undefined> {
  const readText = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const look = await lookAtCertificate(config, { readText, now: Date.now() })
  const { folder, caFile, bundleFile, authority } = look
  if (!authority && config.tls.certPath !== undefined) return undefined
  const files = { ca: caFile, bundle: bundleFile }
  const combinedFiles = await combineTrustFiles({ ...combineOptions(config), folder, files })
  return { caFile, bundleFile, combinedFiles }
}
