import type { LoadedConfig } from '../../config/load.ts'
import type { LocalCertificateDescription } from '../../tls/describe-certificate.ts'
import type { Output } from '../output.ts'
import { formatCertificate } from '../ui/certificate-report.ts'

/** What `certs` is made of. */
export interface CertsDeps {
  readonly output: Output
  readonly loadConfig: () => Promise<LoadedConfig>
  /** Opens the local certificate, makes it when there is none yet, and renews it when told so. */
  readonly describe: (
    config: LoadedConfig['config'],
    options: { renew: boolean },
  ) => Promise<LocalCertificateDescription>
}

/**
 * Shows the local certificate, renewed before with `renew`. Resolves with the exit code.
 * @throws UserError when the configuration or the certificate cannot be used
 */
export async function runCerts(action: 'show' | 'renew', deps: CertsDeps): Promise<number> {
  const { output } = deps
  const { config } = await deps.loadConfig()
  const description = await deps.describe(config, { renew: action === 'renew' })
  const wasRenewed = action === 'renew' && description.source !== 'files'
  output.data({ renewed: wasRenewed, ...description })
  output.answer(
    formatCertificate(description, {
      screen: output.screen('stdout'),
      action,
      wasRenewed,
      caRoot: config.tls.caRoot,
    }),
  )
  return 0
}
