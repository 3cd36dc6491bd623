import type { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { coversName, onOneLine, subjectNames, validityProblem } from '../certificate.ts'
import type { TlsObservation } from '../observe-tls.ts'
import { explainTrust } from './explain-trust.ts'
import { weaknessOf } from './judge-certificate.ts'
import {
  addCommand,
  clientCertificateFinding,
  findingOf,
  kindOf,
  type TlsFinding,
  type TlsPlace,
} from './tls-failures.ts'

/** Everything an explanation is made from. */
interface TlsFacts extends TlsPlace {
  readonly observation: TlsObservation
  /** The authorities kept for this server. */
  readonly bundle: readonly X509Certificate[]
  /** PEM of what else is trusted. */
  readonly roots: readonly string[]
  /** Whether a client certificate is kept for it, and was presented. */
  readonly presented: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface TlsExplanation {
  readonly verifies: boolean
  /** What keeps it from verifying. */
  readonly findings: readonly TlsFinding[]
  /** What does not, and keeps other programs from it. */
  readonly cautions: readonly TlsFinding[]
}

/** Says why connections to a server do not verify, in the order in which to fix it. */
export function explainTls(facts: TlsFacts): TlsExplanation {
  const { observation } = facts
  const { clientCertificate } = observation
  const rejection =
    clientCertificate === 'rejected'
      ? [clientCertificateFinding(facts.server, facts.presented)]
      : []
  if (observation.outcome === 'failed') {
    const findings = [rejection[0] ?? explainFailure(facts, observation)]
    return { verifies: false, findings, cautions: [] }
  }
  const { chain, problem } = observation
  const findings = [
    ...explainValidity(facts, { chain, problem }),
    ...explainTrust(facts, { chain, problem }),
    ...explainName(facts, chain),
    ...rejection,
  ]
  if (problem !== undefined && findings.length === 0) {
    findings.push(otherProblem(facts, { chain, problem }))
  }
  const cautions = explainCommonName(facts, chain)
  return { verifies: findings.length === 0, findings, cautions }
}

/** Says why no handshake came about. */
function explainFailure(
  place: TlsFacts,
  { code, isHttp }: Extract<TlsObservation, { outcome: 'failed' }>,
): TlsFinding {
  const kind = isHttp ? 'plain-http' : kindOf(code)
  const isOfHandshake = kind === undefined || kind === 'client-certificate'
  return findingOf(isOfHandshake ? 'handshake' : kind, { place, code })
}

interface Seen {
  readonly chain: readonly X509Certificate[]
  readonly problem: string | undefined
}

function explainValidity(facts: TlsFacts, { chain, problem }: Seen): TlsFinding[] {
  const isAboutTime = problem === 'CERT_HAS_EXPIRED' || problem === 'CERT_NOT_YET_VALID'
  // What the bundle adds to the chain matters only when OpenSSL stumbled over it.
  return [...chain, ...(isAboutTime ? facts.bundle : [])].flatMap((certificate) => {
    const invalidity = validityProblem(certificate, facts.now)
    if (!invalidity) return []
    const isOver = facts.now > certificate.validToDate.getTime()
    const isOurs = !chain.includes(certificate)
    const where = isOurs ? 'in the bundle' : "in the server's chain"
    const finding = findingOf(isOver ? 'expired' : 'not-yet-valid', {
      place: facts,
      message: `The certificate ${onOneLine(certificate.subject)} ${where} does not hold: ${invalidity}.`,
    })
    return isOurs
      ? { ...finding, fix: 'Replace it by its successor.', command: addCommand(facts.server) }
      : finding
  })
}

/** Whether connections, which are Node's, take the certificate for the host. */
function isFor(host: string, leaf: X509Certificate): boolean {
  return checkServerIdentity(host, leaf.toLegacyObject() as PeerCertificate) === undefined
}

function explainName(facts: TlsFacts, [leaf]: readonly X509Certificate[]): TlsFinding[] {
  const { host } = facts
  if (!leaf || isFor(host, leaf)) return []
  const names = subjectNames(leaf)
  const has =
    names.length > 0
      ? `is made for ${names.slice(0, 20).join(', ')}`
      : 'has no subject alternative name'
  const message = `The certificate ${has}, not for ${host}.`
  const finding = findingOf('name-mismatch', { place: facts, message })
  return [names.length > 0 ? finding : { ...finding, fix: haveNamed(host) }]
}

function explainCommonName({ host }: TlsFacts, [leaf]: readonly X509Certificate[]): TlsFinding[] {
  if (!leaf || !isFor(host, leaf) || coversName(leaf, host)) return []
  return [
    {
      kind: 'common-name',
      message: `The certificate names ${host} by its common name alone. Connections from here take that, as Node does; browsers, Python, Go and others refuse it.`,
      fix: haveNamed(host),
      command: undefined,
    },
  ]
}

function haveNamed(host: string): string {
  return `Have a certificate issued with ${host} as its subject alternative name.`
}

function otherProblem(place: TlsFacts, { chain, problem: code = '' }: Seen): TlsFinding {
  const weak = chain.find((certificate) => weaknessOf(certificate) !== undefined)
  if (!weak) return findingOf('other', { place, code })
  const message = `The certificate ${onOneLine(weak.subject)} is too weak: ${weaknessOf(weak)}.`
  return findingOf('too-weak', { place, message })
}
