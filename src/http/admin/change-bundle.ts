import type { FileVerdict } from '../../tls/upstream/file-verdict.ts'
import { judgeFiles } from '../../tls/upstream/judge-files.ts'
import type {
  BundleChange,
  BundleDescription,
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
 * Puts an upload in the place of what is stored for a server, all of it or nothing: the authorities
 * are judged before the client certificate is written, and it before they are.
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
  const judged = ca.length === 0 ? undefined : judgeFiles(ca, { known: [], now })
  if (judged && !judged.accepted) {
    const bundle = await bundles.describe(server)
    return { accepted: false, stored: false, files: judged.files, bundle }
  }
  const ofClient = client && (await bundles.setClientCertificate(server, client, change))
  if (!judged) return ofClient ?? { accepted: false, stored: false, files: [], bundle: undefined }
  if (ofClient && !ofClient.accepted) {
    return { ...ofClient, files: [...judged.files, ...ofClient.files] }
  }
  const ofCa = await bundles.replace(server, ca, change)
  return {
    ...ofCa,
    stored: ofCa.stored || (ofClient?.stored ?? false),
    files: [...ofCa.files, ...(ofClient?.files ?? [])],
  }
}
