import { loadConfig } from '../../config/load.ts'
import { openCertificate } from '../../gateway/open-certificate.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLogger } from '../../lib/logger.ts'
import { describeLocalCertificate } from '../../tls/describe-certificate.ts'
import type { CommandWorld } from '../command-world.ts'
import type { CertsDeps } from './certs.ts'

/** What `certs` is made of in the real world. */
export function createCertsDeps({ output, process }: CommandWorld): CertsDeps {
  return {
    output,
    loadConfig: () => loadConfig({ projectDir: process.cwd() }),
    async describe(config, { renew }) {
      const logger = createLogger({ level: config.logLevel, destination: { write: output.log } })
      const certificate = await openCertificate(config, { file: () => config, logger })
      try {
        if (renew) await certificate.renew()
        await certificate.bundleWritten()
        return describeLocalCertificate(certificate, systemClock.now())
      } finally {
        await certificate.close()
      }
    },
  }
}
