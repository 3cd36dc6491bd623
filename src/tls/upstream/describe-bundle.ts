import { createHash, X509Certificate } from 'node:crypto'
import { daysLeft, isSelfSigned, onOneLine, parseCertificates } from '../certificate.ts'
import type { BundleRecord } from './bundle-records.ts'
import { orderChain } from './order-chain.ts'
import type { BundleCertificate, BundleDescription } from './upstream-bundles.ts'

/** Describes a bundle that verified; `now` is in ms since the epoch. */
export function describeBundle(record: BundleRecord, now: number): BundleDescription {
  const { certificates, missing } = orderChain(record.ca.map((pem) => new X509Certificate(pem)))
  const leaf = parseCertificates(record.clientCertificate ?? '')[0]
  return {
    server: record.server,
    state: 'good',
    problem: undefined,
    hint: undefined,
    certificates: certificates.map((certificate) => ({
      kind: isSelfSigned(certificate) ? 'root' : 'intermediate',
      ...facts(certificate, now),
    })),
    missing,
    clientCertificate: leaf && facts(leaf, now),
    fingerprint: bundleFingerprint(record),
    sequence: record.sequence,
    changed: record.changed,
  }
}

/** Describes a bundle that is refused. */
export function describeRefused(
  server: string,
  { message, hint }: { message: string; hint: string | undefined },
): BundleDescription {
  return {
    server,
    state: 'refused',
    problem: message,
    hint,
    certificates: [],
    missing: [],
    clientCertificate: undefined,
    fingerprint: undefined,
    sequence: undefined,
    changed: undefined,
  }
}

/** SHA-256 over the certificates of a bundle, whatever their order; upper-case hex with colons. */
export function bundleFingerprint({
  ca,
  clientCertificate = '',
}: Pick<BundleRecord, 'ca' | 'clientCertificate'>): string {
  const authorities = ca.map((pem) => new X509Certificate(pem).fingerprint256).toSorted()
  const presented = parseCertificates(clientCertificate).map((one) => one.fingerprint256)
  const digest = createHash('sha256')
    .update(JSON.stringify([authorities, presented]))
    .digest('hex')
  return (digest.toUpperCase().match(/../g) ?? []).join(':')
}

function facts(certificate: X509Certificate, now: number): Omit<BundleCertificate, 'kind'> {
  return {
    subject: onOneLine(certificate.subject),
    issuer: onOneLine(certificate.issuer),
    fingerprint256: certificate.fingerprint256,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    daysLeft: daysLeft(certificate, now),
  }
}
