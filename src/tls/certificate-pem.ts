import { X509Certificate } from 'node:crypto'
import { canonicalAddress } from './ip-address.ts'

const block = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The certificates of a PEM file, in its order. Throws when one of them cannot be parsed. */
export function parseCertificates(pem: string): X509Certificate[] {
  return (pem.match(block) ?? []).map((text) => new X509Certificate(text))
}

/** DNS names and addresses a certificate is made for, in its order. */
export function subjectNames(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '').split(', ').flatMap((entry) => {
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
