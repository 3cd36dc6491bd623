import type { X509Certificate } from 'node:crypto'
import { isSelfSigned, onOneLine, validityProblem } from '../certificate.ts'
import type { CertificateVerdict } from './certificate-file.ts'

interface Judgement {
  readonly verdict: CertificateVerdict
  /** A sentence. */
  readonly message: string
}

/** NIST SP 800-57: less than 112 bits of security; curves below P-256 are in no TLS of today. */
const minimumRsaBits = 2048
const minimumCurveBits = 256

/** Whether `certificate` can be trusted as an authority at `now`, ms since the epoch. */
export function judgeAuthority(certificate: X509Certificate, now: number): Judgement {
  const self = isSelfSigned(certificate)
  if (!certificate.ca) return { verdict: 'not-a-ca', message: notAuthority(self) }
  const problem = judgeSoundness(certificate, now)
  if (problem) return problem
  if (self) return { verdict: 'root', message: 'A root: it is signed with its own key.' }
  const message =
    certificate.subject === certificate.issuer
      ? 'An intermediate: it names itself as its issuer, but another key signed it.'
      : `An intermediate, issued by ${onOneLine(certificate.issuer)}.`
  return { verdict: 'intermediate', message }
}

/** What is wrong with any certificate, whatever it is for; undefined when nothing is. */
export function judgeSoundness(certificate: X509Certificate, now: number): Judgement | undefined {
  const invalidity = validityProblem(certificate, now)
  if (invalidity) {
    const isOver = now > certificate.validToDate.getTime()
    return { verdict: isOver ? 'expired' : 'not-yet-valid', message: sentence(invalidity) }
  }
  const weakness = weaknessOf(certificate)
  return weakness === undefined
    ? undefined
    : { verdict: 'too-weak', message: `It is too weak: ${weakness}.` }
}

function notAuthority(selfSigned: boolean): string {
  return selfSigned
    ? 'It is the certificate of a server, signed with its own key, not one of an authority. Have one issued by an authority, and add that.'
    : 'It is not the certificate of an authority, so it cannot vouch for others. Add the certificate of its issuer.'
}

/** Why a certificate is too weak, as the rest of a sentence; undefined when it is not. */
export function weaknessOf(certificate: X509Certificate): string | undefined {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } =
    certificate.publicKey
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details?.modulusLength ?? 0
    if (bits < minimumRsaBits)
      return `its RSA key has ${bits} bits, and ${minimumRsaBits} are needed`
  } else if (type === 'ec') {
    const curve = details?.namedCurve ?? 'unnamed'
    if (curveBits(curve) < minimumCurveBits) return `its key is on the small curve ${curve}`
  } else if (type !== 'ed25519' && type !== 'ed448' && !type.startsWith('ml-dsa')) {
    return `its key is of the kind ${type}`
  }
  const hash = /(md2|md4|md5|sha-?1)(?!\d)/i.exec(certificate.signatureAlgorithm ?? '')?.[1]
  return hash ? `it is signed with ${hash.toUpperCase().replace(/^SHA-?1$/, 'SHA-1')}` : undefined
}

// Every name that OpenSSL has for a curve says its size: prime256v1, secp384r1, brainpoolP320r1.
function curveBits(curve: string): number {
  return Number(/\d{3}/.exec(curve)?.[0] ?? 0)
}

function sentence(rest: string): string {
  return `${rest.charAt(0).toUpperCase()}${rest.slice(1)}${rest.endsWith(')') ? '' : '.'}`
}
