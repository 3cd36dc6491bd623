import type { X509Certificate } from 'node:crypto'
import { type ParsedKey, parseKey } from '../private-key.ts'
import {
  type CertificateVerdict,
  type FilePart,
  maxFileBytes,
  readCertificateFile,
  type UploadedFile,
} from './certificate-file.ts'
import { judgeAuthority, judgeSoundness } from './judge-certificate.ts'
import { type FileVerdict, findingOf, verdictOf } from './judge-files.ts'

/** RFC 5280 4.2.1.12: clientAuth, and anyExtendedKeyUsage. */
const clientUsages = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']

/** The certificate that connections to a server present, as PEM or DER files. */
export interface ClientCertificateFiles {
  /** The chain, leaf first. */
  readonly cert: UploadedFile
  readonly key: UploadedFile
}

/**
 * Judges a certificate that is to be presented, and its key, at `now` (ms since the epoch). `pair` has
 * the chain leaf first, as PEM; undefined when it is refused.
 */
export function judgeClientCertificate(
  { cert, key }: ClientCertificateFiles,
  now: number,
): {
  readonly files: readonly FileVerdict[]
  readonly pair: { readonly cert: string; readonly key: string } | undefined
} {
  const parsedKey = readKey(key)
  const parts = readCertificateFile(cert)
  const chain = parts.flatMap(({ certificate }) => certificate ?? [])
  const leaf = parsedKey.ok
    ? chain.find((certificate) => certificate.checkPrivateKey(parsedKey.key))
    : chain[0]
  const findings = parts.map((part) => findingOf(part, judgePart(part, { leaf, now })))
  const files = [
    verdictOf(cert, leaf || chain.length === 0 ? findings : findings.map(otherKey)),
    keyVerdict(key, parsedKey),
  ]
  if (!parsedKey.ok || !leaf || !files.every(({ accepted }) => accepted)) {
    return { files, pair: undefined }
  }
  return {
    files,
    pair: {
      cert: [leaf, ...chain.filter((certificate) => certificate !== leaf)].map(String).join(''),
      key: parsedKey.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  }
}

function judgePart(
  part: FilePart,
  { leaf, now }: { leaf: X509Certificate | undefined; now: number },
): { verdict: CertificateVerdict; message: string } {
  if (!part.certificate) return part
  if (part.certificate !== leaf) return judgeAuthority(part.certificate, now)
  const problem = judgeSoundness(part.certificate, now)
  if (problem) return problem
  const usages: readonly string[] | undefined = part.certificate.keyUsage
  if (usages && !usages.some((usage) => clientUsages.includes(usage))) {
    const message = 'Its extended key usage does not allow it to be presented by a client.'
    return { verdict: 'unusable', message }
  }
  return { verdict: 'client', message: 'The certificate that is presented to the server.' }
}

function otherKey<T extends { verdict: CertificateVerdict; message: string }>(finding: T): T {
  return finding.verdict === 'malformed' || finding.verdict === 'private-key'
    ? finding
    : { ...finding, verdict: 'unusable', message: 'It does not belong to the key.' }
}

function readKey({ content }: UploadedFile): ParsedKey {
  return content.length > maxFileBytes
    ? { ok: false, reason: 'it is larger than 10 MB' }
    : parseKey(content)
}

// Says nothing of the key but its kind.
function keyVerdict({ name }: UploadedFile, key: ParsedKey): FileVerdict {
  const message = key.ok
    ? `Accepted: a private key (${key.key.asymmetricKeyType}).`
    : `Refused: ${key.reason}.`
  return { ...verdictOf({ name, content: new Uint8Array() }, []), accepted: key.ok, message }
}
