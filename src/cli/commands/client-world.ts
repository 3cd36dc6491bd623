import { homedir } from 'node:os'
import { join } from 'node:path'
import { clientFileMemoryPath } from '../../clients/editing/client-file-memory.ts'
import { createClientFiles } from '../../clients/editing/client-files.ts'
import type { TrustFilePaths } from '../../clients/launch.ts'
import type { UserFolders } from '../../clients/user-folders.ts'
import { loadConfig, userFolderVariables } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { certificatesFolder } from '../../tls/local-certificate.ts'
import { copyToClipboard } from '../clipboard.ts'
import type { CommandWorld } from '../command-world.ts'
import { runningGateway } from '../instance-lock.ts'
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
    trustFiles: trustFilesOf(config),
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

/** Written at the first start; none where the certificate is the user's own. */
function trustFilesOf({ home, tls }: ResolvedConfig): TrustFilePaths | undefined {
  if (tls.certPath !== undefined) return undefined
  const folder = certificatesFolder(home)
  const caFile = join(folder, 'ca.pem')
  return { caFile, bundleFile: join(folder, 'bundle.pem') }
}
