import { X509Certificate } from 'node:crypto'
import { onOneLine, subjectNames } from './certificate-pem.ts'
import type { LocalCertificate } from './local-certificate.ts'
import { daysLeft, validityProblem } from './renewal.ts'
import type { ServedCertificate } from './served-certificate.ts'

/** What there is to say about one certificate. */
export interface CertificateDescription {
  readonly subject: string
  readonly issuer: string
  /** DNS names and addresses. */
  readonly names: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  /** Whole days, negative once it has expired. */
  readonly daysLeft: number
  readonly isValid: boolean
  readonly serialNumber: string
  readonly fingerprint256: string
}

/** What is served locally, who signed it, and which files hold what. */
export interface LocalCertificateDescription {
  readonly source: ServedCertificate['source']
  readonly leaf: CertificateDescription
  /** Undefined when the user's own file does not hold its root. */
  readonly authority: CertificateDescription | undefined
  readonly files: {
    readonly cert: string
    readonly key: string
    readonly ca: string | undefined
    readonly bundle: string | undefined
  }
}

/** Describes the first certificate of a PEM text. `now` is in ms since the epoch. */
export function describeCertificate(pem: string, now: number): CertificateDescription {
  const certificate = new X509Certificate(pem)
  return {
    subject: onOneLine(certificate.subject),
    issuer: onOneLine(certificate.issuer),
    names: subjectNames(certificate),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    daysLeft: daysLeft(certificate, now),
    isValid: validityProblem(certificate, now) === undefined,
    serialNumber: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
  }
}

/** Describes what a local certificate serves. `now` is in ms since the epoch. */
export function describeLocalCertificate(
  local: LocalCertificate,
  now: number,
): LocalCertificateDescription {
  const { source, cert, names, caCertPem, certFile, keyFile } = local.current()
  return {
    source,
    // Both leaves together: clients see one certificate for each way to address us.
    leaf: { ...describeCertificate(cert, now), names },
    authority: caCertPem === undefined ? undefined : describeCertificate(caCertPem, now),
    files: { cert: certFile, key: keyFile, ca: local.caFile, bundle: local.bundleFile },
  }
}
