import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

const block = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The certificates of a PEM file, in its order. Throws when one of them cannot be parsed. */
export function parseCertificates(pem: string): X509Certificate[] {
  return (pem.match(block) ?? []).map((text) => new X509Certificate(text))
}

/**
 * The certificate, or the first of several; undefined when it cannot be parsed. The caller says what
 * that means: OpenSSL's own words name internal decoders, which help nobody.
 */
export function readableCertificate(content: string | Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(content)
  } catch {
    return undefined
  }
}

/** The certificates of a PEM file that can be parsed: what OpenSSL cannot read is none of ours. */
export function readableCertificates(pem: string): X509Certificate[] {
  return (pem.match(block) ?? []).flatMap((text) => readableCertificate(text) ?? [])
}

/** The one spelling of an address (RFC 5952 for IPv6), whatever spelling it came in; a name as it is. */
export function canonicalAddress(address: string): string {
  return isIP(address) === 0 ? address : ipaddr.parse(address).toString()
}

/** DNS names and addresses a certificate is made for, in its order. */
export function subjectNames({
  subjectAltName,
}: Pick<X509Certificate, 'subjectAltName'>): string[] {
  return (subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [kind, ...rest] = entry.split(':')
    const value = rest.join(':')
    if (kind === 'DNS') return [value]
    return kind === 'IP Address' ? [canonicalAddress(value)] : []
  })
}

/** Whether a certificate is signed by its own key. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey)
}

/** A subject or an issuer on one line: `CN=…, O=…`. */
export function onOneLine(name: string): string {
  return name.replaceAll('\n', ', ')
}

/** `Sallyport local CA`, or whatever names the subject of a certificate best. */
export function nameIn(distinguishedName: string): string {
  return /^(?:CN|O)=(.+)$/m.exec(distinguishedName)?.[1] ?? onOneLine(distinguishedName)
}

const dayMs = 86_400_000

/** A certificate is renewed when it has less than this left, ms. */
export const renewBeforeMs = 30 * dayMs

/** Why a leaf must be issued again; undefined when it may stay. `now` is in ms since the epoch. */
export function renewalReason(
  leaf: { certificate: X509Certificate; keyMatches: boolean; signedByAuthority: boolean },
  need: { names: readonly string[]; authorityNotAfter: Date; now: number },
): string | undefined {
  const { certificate } = leaf
  if (!leaf.keyMatches) return 'its key is another one'
  if (!leaf.signedByAuthority) return 'the authority is another one'
  const problem = validityProblem(certificate, need.now)
  if (problem) return problem
  // A leaf that lasts as long as its authority cannot get more.
  const isRenewable = certificate.validToDate < need.authorityNotAfter
  if (isRenewable && timeLeft(certificate, need.now) < renewBeforeMs) return 'it expires soon'
  const missing = need.names.filter((name) => !coversName(certificate, name))
  return missing.length > 0 ? `it does not cover ${missing.join(', ')}` : undefined
}

/** Why a certificate is not valid at `now` (ms since the epoch), as the rest of a sentence. */
export function validityProblem(certificate: X509Certificate, now: number): string | undefined {
  const { validFromDate, validToDate } = certificate
  if (now > validToDate.getTime()) return `it expired on ${formatDay(validToDate)}`
  if (now < validFromDate.getTime()) {
    return `it is not valid before ${formatDay(validFromDate)} (is the clock right?)`
  }
  return undefined
}

/** Whether a certificate is good for a DNS name or an address. */
export function coversName(certificate: X509Certificate, name: string): boolean {
  const found = isIP(name)
    ? certificate.checkIP(name)
    : certificate.checkHost(name, { subject: 'never' })
  return found !== undefined
}

/** Time until a certificate expires, ms; negative once it has. */
export function timeLeft(certificate: X509Certificate, now: number): number {
  return certificate.validToDate.getTime() - now
}

/** Whole days until a certificate expires; negative once it has. */
export function daysLeft(certificate: X509Certificate, now: number): number {
  return Math.floor(timeLeft(certificate, now) / dayMs)
}

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

/** Describes a certificate; `now` is in ms since the epoch. */
export function describeCertificate(
  certificate: X509Certificate,
  now: number,
): CertificateDescription {
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

function formatDay(date: Date): string {
  return date.toISOString().slice(0, 10)
}
