import { join } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import { UserError } from '../../errors.ts'
import { openCertificate } from '../../gateway/open-certificate.ts'
import { createLogger } from '../../lib/logger.ts'
import { createRunCommand } from '../../lib/run-command.ts'
import { findJava, javaToolOptions, writeJavaTrustStore } from '../../tls/java.ts'
import { writeCombinedFile } from '../../tls/trust-files.ts'
import type { CommandWorld } from '../command-world.ts'
import type { EnvDeps, TrustPaths } from './env.ts'

/** What `env` is made of in the real world. */
export async function createEnvDeps({ output, process }: CommandWorld): Promise<EnvDeps> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const { environment } = config
  const folder = join(config.home, 'certs')
  return {
    output,
    platform: process.platform,
    isTerminal: process.stdout.isTTY === true,
    async open() {
      const logger = createLogger({ level: config.logLevel, destination: { write: output.log } })
      const certificate = await openCertificate(config, { file: () => config, logger })
      try {
        await certificate.bundleWritten()
        return { environment, paths: requirePaths(certificate) }
      } finally {
        await certificate.close()
      }
    },
    combine: (options) => writeCombinedFile({ folder, ...options }),
    async javaOptions({ ca }) {
      const java = findJava(environment, process.platform)
      if (!java) return undefined
      const run = createRunCommand(environment)
      const store = await writeJavaTrustStore({ folder, caFile: ca, java, run })
      return javaToolOptions(store, environment.JAVA_TOOL_OPTIONS)
    },
  }
}

function requirePaths(files: {
  caFile: string | undefined
  bundleFile: string | undefined
}): TrustPaths {
  const { caFile, bundleFile } = files
  if (caFile !== undefined && bundleFile !== undefined) return { ca: caFile, bundle: bundleFile }
  throw new UserError(
    'CA_UNUSABLE',
    'The certificate that is served is your own, and the root it leads to was not found here.',
    {
      hint: 'Name the PEM file of that root in SSL_CA_PATH; if clients trust it already, nothing has to be set.',
    },
  )
}
