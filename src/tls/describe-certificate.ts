import { X509Certificate } from 'node:crypto'
import { onOneLine, subjectNames } from './certificate-pem.ts'
import type { LocalFiles } from './local-files.ts'
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

/** A certificate and the file it is in, which may hold more behind it. */
export interface FiledCertificate extends CertificateDescription {
  readonly file: string
}

/** What is served locally, who signed it, and which files hold what. */
export interface LocalCertificateDescription {
  readonly source: ServedCertificate['source']
  /** For connections that name a host first, then for those that do not, with their keys. */
  readonly certificates: readonly (FiledCertificate & { readonly keyFile: string })[]
  /** Undefined when it is not known. */
  readonly authority: FiledCertificate | undefined
  /** The roots of the system and the authority; undefined when there is none. */
  readonly bundleFile: string | undefined
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

/** Describes the files of a local certificate; undefined when there is none. */
export function describeLocalFiles(
  { leaf, addresses, authority, caFile, bundleFile }: LocalFiles,
  { source, now }: { source: ServedCertificate['source']; now: number },
): LocalCertificateDescription | undefined {
  const certificates = [leaf, addresses].flatMap((pair) =>
    pair
      ? [{ ...describeCertificate(pair.cert, now), file: pair.certFile, keyFile: pair.keyFile }]
      : [],
  )
  if (certificates.length === 0) return undefined
  return {
    source,
    certificates,
    authority: authority && { ...describeCertificate(authority.toString(), now), file: caFile },
    bundleFile: authority && bundleFile,
  }
}
