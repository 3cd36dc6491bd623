import type { X509Certificate } from 'node:crypto'
import { onOneLine } from '../certificate.ts'
import {
  type CertificateVerdict,
  type FilePart,
  readCertificateFile,
  type UploadedFile,
} from './certificate-file.ts'
import { judgeAuthority } from './judge-certificate.ts'

/** More would slow down every connection: a system's whole store has some 150. */
const maxCertificates = 500

const acceptable: ReadonlySet<CertificateVerdict> = new Set([
  'root',
  'intermediate',
  'client',
  'duplicate',
])

/** What one certificate of a file is, or why this part of the file is refused. */
interface CertificateFinding {
  readonly verdict: CertificateVerdict
  /** A sentence. Never anything of a private key. */
  readonly message: string
  /** First line of it in a PEM file, counted from 1. */
  readonly line: number | undefined
  readonly subject: string | undefined
  readonly issuer: string | undefined
  readonly fingerprint256: string | undefined
  /** Milliseconds since the epoch. */
  readonly notAfter: number | undefined
}

export interface FileVerdict {
  readonly file: string
  readonly accepted: boolean
  /** What the file is in one sentence. */
  readonly message: string
  readonly certificates: readonly CertificateFinding[]
}

/**
 * Judges files as authorities, at `now` (ms since the epoch). `known` are certificates that are kept
 * already, `fresh` what was not known yet, each once. `accepted`: every certificate of every file can
 * be kept.
 */
export function judgeFiles(
  files: readonly UploadedFile[],
  { known, now }: { known: readonly X509Certificate[]; now: number },
): {
  readonly accepted: boolean
  readonly files: readonly FileVerdict[]
  readonly fresh: readonly X509Certificate[]
} {
  const seen = new Set(known.map(({ fingerprint256 }) => fingerprint256))
  const fresh: X509Certificate[] = []
  const verdicts = files.map((file) => {
    const findings = readCertificateFile(file).map((part) => {
      if (!part.certificate) return findingOf(part, part)
      const { certificate } = part
      if (seen.has(certificate.fingerprint256)) {
        const message = 'It is in the bundle, or in one of these files, already.'
        return findingOf(part, { verdict: 'duplicate', message })
      }
      const judgement = judgeAuthority(certificate, now)
      if (acceptable.has(judgement.verdict)) {
        seen.add(certificate.fingerprint256)
        fresh.push(certificate)
      }
      return findingOf(part, judgement)
    })
    return verdictOf(file, findings)
  })
  const tooMany = seen.size > maxCertificates
  return {
    accepted: !tooMany && verdicts.every(({ accepted }) => accepted),
    files: tooMany ? verdicts.map((verdict) => refuseForCount(verdict, seen.size)) : verdicts,
    fresh,
  }
}

/** A finding about one part of a file. */
export function findingOf(
  { certificate, line }: FilePart,
  { verdict, message }: { verdict: CertificateVerdict; message: string },
): CertificateFinding {
  return {
    verdict,
    message,
    line,
    subject: certificate && onOneLine(certificate.subject),
    issuer: certificate && onOneLine(certificate.issuer),
    fingerprint256: certificate?.fingerprint256,
    notAfter: certificate?.validToDate.getTime(),
  }
}

/** The verdict on a file that holds what `findings` say. */
export function verdictOf(
  file: UploadedFile,
  findings: readonly CertificateFinding[],
): FileVerdict {
  const refused = findings.filter(({ verdict }) => !acceptable.has(verdict))
  const [only] = refused
  return {
    file: plainName(file.name),
    accepted: refused.length === 0,
    message: only
      ? `Refused: ${refused.length} of ${findings.length} cannot be taken. ${only.message}`
      : `Accepted: ${summaryOf(findings)}.`,
    certificates: findings,
  }
}

function summaryOf(findings: readonly CertificateFinding[]): string {
  const counted = Map.groupBy(findings, ({ verdict }) => verdict)
  return [...counted].map(([verdict, { length }]) => `${length} ${verdict}`).join(', ')
}

function refuseForCount(verdict: FileVerdict, count: number): FileVerdict {
  const message = `Refused: the bundle would hold ${count} certificates, and ${maxCertificates} are the most.`
  return { ...verdict, accepted: false, message }
}

/** The last part of a path, of bounded length: names come from strangers. */
function plainName(name: string): string {
  return (name.split(/[\\/]/).at(-1) ?? name).slice(0, 200)
}
