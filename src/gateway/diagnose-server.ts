import { getCACertificates } from 'node:tls'
import { diagnoseUpstream, type UpstreamDiagnosis } from '../tls/upstream/diagnose-upstream.ts'
import type { UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'

const connectMs = 10_000

/**
 * Connects to a configured server with what is kept for it and the roots of this process, and
 * explains what it saw.
 * @throws UserError CA_BUNDLE_REFUSED
 */
export async function diagnoseServer(
  { name, url }: { readonly name: string; readonly url: string },
  bundles: Pick<UpstreamBundles, 'read'>,
): Promise<UpstreamDiagnosis> {
  return diagnoseUpstream({
    server: name,
    url,
    tls: await bundles.read(name),
    roots: getCACertificates('default'),
    timeoutMs: connectMs,
    now: Date.now(),
  })
}
