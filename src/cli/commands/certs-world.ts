import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import {
  lookAtAuthority,
  lookAtCertificate,
  openCertificate,
  ownCertificateFiles,
} from '../../gateway/open-certificate.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLogger } from '../../lib/logger.ts'
import { readCertificateFiles } from '../../tls/certificate-files.ts'
import { describeLocalFiles } from '../../tls/local-files.ts'
import type { CommandWorld } from '../command-world.ts'
import type { CertsDeps } from './certs.ts'

/** What `certs` is made of in the real world. */
export function createCertsDeps({ output, process }: CommandWorld): CertsDeps {
  const readText = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  return {
    output,
    loadConfig: () => loadConfig({ projectDir: process.cwd() }),
    async renew(config) {
      const logger = createLogger({ level: config.logLevel, destination: { write: output.log } })
      const certificate = await openCertificate(config, { file: () => config, logger })
      try {
        await certificate.renew()
        await certificate.bundleWritten()
      } finally {
        await certificate.close()
      }
    },
    async look(config) {
      const now = systemClock.now()
      const own = ownCertificateFiles(config)
      // Says what is wrong with them.
      if (own) await readCertificateFiles({ ...own, now })
      const authority = await lookAtAuthority(config)
      const files = await lookAtCertificate(config, { readText, now })
      const source = own ? 'files' : (authority?.source ?? 'own-ca')
      const description = describeLocalFiles(files, { source, now })
      return {
        description,
        authorityFolder: own || !authority ? undefined : dirname(authority.file),
      }
    },
  }
}
