import type { FileVerdict } from '../../tls/upstream/file-verdict.ts'
import { judgeClientCertificate } from '../../tls/upstream/judge-client-certificate.ts'
import { judgeFiles } from '../../tls/upstream/judge-files.ts'
import type {
  BundleChange,
  BundleDescription,
  BundleOutcome,
  UpstreamBundles,
} from '../../tls/upstream/upstream-bundles.ts'
import type { BundleUpload } from './bundle-upload.ts'

export interface BundleResult {
  /** Without that, nothing was stored. */
  readonly accepted: boolean
  readonly stored: boolean
  readonly files: readonly FileVerdict[]
  readonly bundle: BundleDescription | undefined
}

/**
 * Puts an upload in the place of what is stored for a server, all of it or nothing: authorities and
 * client certificate are two writes, so both are judged before the first.
 */
export async function changeBundle(
  server: string,
  { ca, client }: BundleUpload,
  options: {
    bundles: Pick<UpstreamBundles, 'describe' | 'replace' | 'setClientCertificate'>
    change: BundleChange
    now: number
  },
): Promise<BundleResult> {
  const { bundles, change, now } = options
  const files = [
    ...(ca.length > 0 ? judgeFiles(ca, { known: [], now }).files : []),
    ...(client ? judgeClientCertificate(client, now).files : []),
  ]
  if (files.some(({ accepted }) => !accepted)) {
    return { accepted: false, stored: false, files, bundle: await bundles.describe(server) }
  }
  const outcomes: BundleOutcome[] = []
  // The authorities first: replacing them is the way out of a bundle that is refused.
  if (ca.length > 0) outcomes.push(await bundles.replace(server, ca, change))
  if (client) outcomes.push(await bundles.setClientCertificate(server, client, change))
  return {
    accepted: outcomes.every(({ accepted }) => accepted),
    stored: outcomes.some(({ stored }) => stored),
    files,
    bundle: outcomes.at(-1)?.bundle,
  }
}
