import type { X509Certificate } from 'node:crypto'
import { isSelfSigned, onOneLine } from '../certificate.ts'

/** A certificate whose issuer the bundle does not hold. */
export interface MissingLink {
  readonly subject: string
  readonly issuer: string
  /** `other-key`: the bundle holds a certificate of that name, but another key signed. */
  readonly reason: 'absent' | 'other-key'
  readonly message: string
}

/**
 * Orders the certificates of a bundle, roots first and then level by level, each behind one that
 * signed it; whatever order they come in, the same set gives the same order. A certificate is an issuer when names and key identifiers (RFC 5280 4.2.1.1) fit and its key
 * verifies the signature. What none of the others issued is named in `missing`.
 */
export function orderChain(certificates: readonly X509Certificate[]): {
  readonly certificates: readonly X509Certificate[]
  readonly missing: readonly MissingLink[]
} {
  const sorted = certificates.toSorted(compare)
  const bySubject = Map.groupBy(sorted, ({ subject }) => subject)
  const isRoot = new Map(sorted.map((certificate) => [certificate, isSelfSigned(certificate)]))
  const issuersOf = new Map(
    sorted.map((certificate) => [
      certificate,
      isRoot.get(certificate)
        ? []
        : (bySubject.get(certificate.issuer) ?? []).filter((issuer) => issued(issuer, certificate)),
    ]),
  )
  const isOrphan = (certificate: X509Certificate) =>
    !isRoot.get(certificate) && issuersOf.get(certificate)?.length === 0

  const placed = new Set<X509Certificate>()
  placeFrom(sorted.filter((certificate) => isRoot.get(certificate)))
  placeFrom(sorted.filter(isOrphan))
  // Authorities that signed each other, and whose roots are not here.
  for (const certificate of sorted) placed.add(certificate)

  function placeFrom(start: readonly X509Certificate[]): void {
    let level = start
    while (level.length > 0) {
      for (const certificate of level) placed.add(certificate)
      level = sorted.filter(
        (certificate) =>
          !placed.has(certificate) &&
          issuersOf.get(certificate)?.some((issuer) => placed.has(issuer)),
      )
    }
  }

  return {
    certificates: [...placed],
    missing: [...placed]
      .filter(isOrphan)
      .map((certificate) => missingLink(certificate, bySubject.has(certificate.issuer))),
  }
}

/** Whether `issuer` really issued `certificate`. */
export function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** A certificate and, as far as `pool` has them, its issuers: each issued the one before it. */
export function pathFrom(
  start: X509Certificate,
  pool: readonly X509Certificate[],
): X509Certificate[] {
  const path = [start]
  for (let last = start; !isSelfSigned(last); ) {
    const issuer = pool.find((one) => !path.includes(one) && issued(one, last))
    if (!issuer) break
    path.push(issuer)
    last = issuer
  }
  return path
}

function missingLink(certificate: X509Certificate, hasName: boolean): MissingLink {
  const subject = onOneLine(certificate.subject)
  const issuer = onOneLine(certificate.issuer)
  return {
    subject,
    issuer,
    reason: hasName ? 'other-key' : 'absent',
    message: hasName
      ? `The bundle holds a certificate of the name ${issuer}, but ${subject} was signed with another key.`
      : `The issuer ${issuer} of ${subject} is not in the bundle.`,
  }
}

function compare(a: X509Certificate, b: X509Certificate): number {
  return keyOf(a) < keyOf(b) ? -1 : 1
}

function keyOf({ subject, fingerprint256 }: X509Certificate): string {
  return `${subject}\n${fingerprint256}`
}
