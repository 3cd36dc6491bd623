import { createHash, X509Certificate } from 'node:crypto'
import { daysLeft, isSelfSigned, onOneLine, parseCertificates } from '../certificate.ts'
import { type MissingLink, orderChain } from './order-chain.ts'
import type { KeptBundle } from './signed-bundles.ts'

/** One certificate as it is shown; names on one line (`CN=…, O=…`). */
interface ShownCertificate {
  readonly subject: string
  readonly issuer: string
  readonly fingerprint256: string
  /** Milliseconds since the epoch, here and below. */
  readonly notBefore: number
  readonly notAfter: number
  /** Whole days, negative once it has expired. */
  readonly daysLeft: number
}

export interface BundleCertificate extends ShownCertificate {
  readonly kind: 'root' | 'intermediate'
}

export interface BundleDescription {
  readonly server: string
  /** `refused`: it does not carry a good signature of ours, and the server is not connected to. */
  readonly state: 'good' | 'refused'
  /** Why it is refused, and what cures that. */
  readonly problem: string | undefined
  readonly hint: string | undefined
  /** Roots first, each issuer before what it signed. Empty when refused. */
  readonly certificates: readonly BundleCertificate[]
  readonly missing: readonly MissingLink[]
  readonly clientCertificate: ShownCertificate | undefined
  /** SHA-256 over everything in the bundle, upper-case hex with colons. */
  readonly fingerprint: string | undefined
  readonly changed: KeptBundle['changed'] | undefined
}

/** Describes a bundle that verified; `now` is in ms since the epoch. */
export function describeBundle(bundle: KeptBundle, now: number): BundleDescription {
  const { certificates, missing } = orderChain(bundle.ca.map((pem) => new X509Certificate(pem)))
  const [leaf] = parseCertificates(bundle.clientCertificate ?? '')
  return {
    server: bundle.server,
    state: 'good',
    problem: undefined,
    hint: undefined,
    certificates: certificates.map((certificate) => ({
      kind: isSelfSigned(certificate) ? 'root' : 'intermediate',
      ...show(certificate, now),
    })),
    missing,
    clientCertificate: leaf && show(leaf, now),
    fingerprint: bundleFingerprint(bundle),
    changed: bundle.changed,
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
    changed: undefined,
  }
}

/** SHA-256 over the certificates of a bundle, whatever their order; upper-case hex with colons. */
export function bundleFingerprint({
  ca,
  clientCertificate = '',
}: Pick<KeptBundle, 'ca' | 'clientCertificate'>): string {
  const authorities = ca.map((pem) => new X509Certificate(pem).fingerprint256).toSorted()
  const presented = parseCertificates(clientCertificate).map((one) => one.fingerprint256)
  const digest = createHash('sha256')
    .update(JSON.stringify([authorities, presented]))
    .digest('hex')
  return (digest.toUpperCase().match(/../g) ?? []).join(':')
}

function show(certificate: X509Certificate, now: number): ShownCertificate {
  return {
    subject: onOneLine(certificate.subject),
    issuer: onOneLine(certificate.issuer),
    fingerprint256: certificate.fingerprint256,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    daysLeft: daysLeft(certificate, now),
  }
}
