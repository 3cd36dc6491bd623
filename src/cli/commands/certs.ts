import type { LoadedConfig } from '../../config/load.ts'
import type { LocalCertificateDescription } from '../../tls/local-files.ts'
import type { Output } from '../output.ts'
import { formatCertificate } from '../ui/certificate-report.ts'

type Config = LoadedConfig['config']

/** What `certs` is made of. */
export interface CertsDeps {
  readonly output: Output
  readonly loadConfig: () => Promise<LoadedConfig>
  /** Makes a new local certificate in the place of the one there is. */
  readonly renew: (config: Config) => Promise<void>
  /** Looks at what there is; the description is undefined before the first start. */
  readonly look: (config: Config) => Promise<{
    readonly description: LocalCertificateDescription | undefined
    /** Where the authority is that signs. */
    readonly authorityFolder: string | undefined
  }>
}

/**
 * Shows the local certificate, renewed before with `renew`. Resolves with the exit code.
 * @throws UserError when the configuration or the certificate cannot be used
 */
export async function runCerts(action: 'show' | 'renew', deps: CertsDeps): Promise<number> {
  const { output } = deps
  const { config } = await deps.loadConfig()
  if (action === 'renew') await deps.renew(config)
  const { description, authorityFolder } = await deps.look(config)
  const wasRenewed = action === 'renew' && description?.source !== 'files'
  output.data({ renewed: wasRenewed, ...description, authorityFolder })
  output.answer(
    description
      ? formatCertificate(description, {
          screen: output.screen('stdout'),
          authorityFolder,
          action,
          wasRenewed,
        })
      : '  There is no local certificate yet: the first start makes one, or `pnpm sallyport certs renew`.',
  )
  return 0
}
