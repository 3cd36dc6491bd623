import { getCACertificates } from 'node:tls'
import { observeTls } from '../tls/observe-tls.ts'
import { tlsAddressOf } from '../tls/upstream/tls-failures.ts'
import type { Handshake } from './world.ts'

/**
 * Shakes hands with an https origin as a client would that trusts `ca` besides what programs trust
 * by default. Never rejects.
 */
export async function handshake(
  origin: string,
  { ca, timeoutMs }: { ca: readonly string[]; timeoutMs: number },
): Promise<Handshake> {
  const observed = await observeTls({
    ...tlsAddressOf(new URL(origin)),
    tls: { ca: [...getCACertificates('default'), ...ca] },
    timeoutMs,
  })
  if (observed.outcome === 'failed') {
    return { ok: false, code: observed.code, reason: observed.reason, certificate: undefined }
  }
  const { chain, problem } = observed
  const [certificate] = chain
  if (problem !== undefined) return { ok: false, code: problem, reason: problem, certificate }
  return certificate
    ? { ok: true, certificate }
    : { ok: false, code: 'NO_CERTIFICATE', reason: 'it shows no certificate', certificate }
}
