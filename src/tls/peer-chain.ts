import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate } from 'node:tls'
import { onOneLine } from './certificate-pem.ts'
import type { ChainLink } from './tls-report.ts'

/** The chain that Node knows of the other side, leaf first; its root when it could be verified. */
export function chainOf(leaf: Partial<DetailedPeerCertificate> | null): X509Certificate[] {
  const chain: X509Certificate[] = []
  const seen = new Set<unknown>()
  // A root names itself as its issuer.
  for (
    let next = leaf;
    next?.raw && !seen.has(next.fingerprint256);
    next = next.issuerCertificate ?? null
  ) {
    seen.add(next.fingerprint256)
    chain.push(new X509Certificate(next.raw))
  }
  return chain
}

export function describeLink(certificate: X509Certificate): ChainLink {
  const { subject, issuer, validToDate, fingerprint256 } = certificate
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    notAfter: validToDate,
    fingerprint256,
  }
}

function nameOf(name: string | undefined): string {
  return onOneLine(name ?? '') || 'nobody'
}
