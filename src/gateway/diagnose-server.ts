import { getCACertificates } from 'node:tls'
import { diagnoseUpstream, type UpstreamDiagnosis } from '../tls/upstream/diagnose-upstream.ts'
import type { UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'

const connectMs = 10_000

/**
 * Connects to a configured server with what is kept for it and the roots of this process, and
 * explains what it saw. The connection has 10 s, or `timeoutMs`.
 * @throws UserError CA_BUNDLE_REFUSED
 */
export async function diagnoseServer(
  server: { readonly name: string; readonly url: string; readonly timeoutMs?: number },
  bundles: Pick<UpstreamBundles, 'read'>,
): Promise<UpstreamDiagnosis> {
  const { name, url, timeoutMs = connectMs } = server
  return diagnoseUpstream({
    server: name,
    url,
    tls: await bundles.read(name),
    roots: getCACertificates('default'),
    timeoutMs,
    now: Date.now(),
  })
}
