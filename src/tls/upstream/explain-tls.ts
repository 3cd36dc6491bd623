import type { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { coversName, onOneLine, subjectNames, validityProblem } from '../certificate.ts'
import { addCommand, explainClientCertificate } from './explain-client-certificate.ts'
import { explainFailure } from './explain-failure.ts'
import { explainTrust } from './explain-trust.ts'
import { weaknessOf } from './judge-certificate.ts'
import type { TlsFacts, TlsFinding } from './tls-facts.ts'

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
  if (observation.outcome === 'failed') {
    return { verifies: false, findings: [explainFailure(facts, observation)], cautions: [] }
  }
  const findings = [
    ...explainValidity(facts, observation.chain),
    ...explainTrust(facts, observation),
    ...explainName(facts, observation.chain),
    ...(observation.clientCertificate === 'rejected' ? [explainClientCertificate(facts)] : []),
  ]
  if (observation.problem !== undefined && findings.length === 0) {
    findings.push(otherProblem(observation.problem, observation.chain))
  }
  const cautions = explainCommonName(facts, observation.chain)
  return { verifies: findings.length === 0, findings, cautions }
}

function explainValidity(
  { server, now, bundle, observation }: TlsFacts,
  chain: readonly X509Certificate[],
): TlsFinding[] {
  const code = observation.outcome === 'connected' ? observation.problem : undefined
  const isAboutTime = code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'
  // What the bundle adds to the chain matters only when OpenSSL stumbled over it.
  return [...chain, ...(isAboutTime ? bundle : [])].flatMap((certificate) => {
    const problem = validityProblem(certificate, now)
    if (!problem) return []
    const isOver = now > certificate.validToDate.getTime()
    const isOurs = !chain.includes(certificate)
    const where = isOurs ? 'in the bundle' : "in the server's chain"
    return [
      {
        kind: isOver ? ('expired' as const) : ('not-yet-valid' as const),
        message: `The certificate ${onOneLine(certificate.subject)} ${where} does not hold: ${problem}.`,
        fix: isOurs
          ? 'Replace it by its successor.'
          : "Have the server's certificate renewed, and check the clock of this machine.",
        command: isOurs ? addCommand(server) : undefined,
      },
    ]
  })
}

/** Whether connections, which are Node's, take the certificate for the host. */
function isFor(host: string, leaf: X509Certificate): boolean {
  return checkServerIdentity(host, leaf.toLegacyObject() as PeerCertificate) === undefined
}

function explainName({ host }: TlsFacts, [leaf]: readonly X509Certificate[]): TlsFinding[] {
  if (!leaf || isFor(host, leaf)) return []
  const names = subjectNames(leaf)
  const has =
    names.length > 0
      ? `is made for ${names.slice(0, 20).join(', ')}`
      : 'has no subject alternative name'
  return [
    {
      kind: 'name-mismatch',
      message: `The certificate ${has}, not for ${host}.`,
      fix:
        names.length > 0
          ? 'Use one of those names in the "url" of the server in the configuration file, or have a certificate issued for this one.'
          : haveNamed(host),
      command: undefined,
    },
  ]
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

function otherProblem(code: string, chain: readonly X509Certificate[]): TlsFinding {
  const weak = chain.find((certificate) => weaknessOf(certificate) !== undefined)
  if (weak) {
    return {
      kind: 'too-weak',
      message: `The certificate ${onOneLine(weak.subject)} is too weak: ${weaknessOf(weak)}.`,
      fix: 'Have it issued anew with a P-256 key, or an RSA key of 2048 bits, and SHA-256.',
      command: undefined,
    }
  }
  return {
    kind: 'other',
    message: `The chain does not verify (${code}).`,
    fix: "Ask the server's operator to look at its chain with this code.",
    command: undefined,
  }
}
