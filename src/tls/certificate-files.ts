import type { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { messageOf, UserError } from '../errors.ts'
import { shellQuote } from '../lib/shell.ts'
import { authorityFiles } from './authority.ts'
import {
  coversName,
  daysLeft,
  isSelfSigned,
  onOneLine,
  readableCertificate,
  readableCertificates,
  renewBeforeMs,
  subjectNames,
  timeLeft,
  validityProblem,
} from './certificate.ts'
import { parseKey } from './private-key.ts'
import type { ServedCertificate } from './served-certificate.ts'
import { readCertificateFile } from './upstream/certificate-file.ts'
import { issued, pathFrom } from './upstream/order-chain.ts'

/** RFC 5280 4.2.1.12: serverAuth, and anyExtendedKeyUsage. */
const serverUsages = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']

export interface CertificateFiles {
  readonly certPath: string
  readonly keyPath: string
  /** The user's file with the root, or more of the chain. */
  readonly caPath?: string | undefined
  /** Where mkcert keeps its authority. */
  readonly mkcertRoot?: string | undefined
  /** PEM of the roots of this machine; asked when the root is nowhere else. */
  readonly readRoots: () => Promise<readonly string[]>
  /** Ms since the epoch. */
  readonly now: number
}

/**
 * Reads the user's own certificate chain and key, PEM or DER, and finds the root they lead to: in
 * the file, in SSL_CA_PATH, with mkcert, or among the roots of this machine. Throws UserError
 * CERTIFICATE_INVALID when they cannot be read or parsed, do not match, are not valid now, or cannot
 * be served. Warns when no root is found, when localhost is not covered, and of a near end.
 */
export async function readCertificateFiles(options: CertificateFiles): Promise<ServedCertificate> {
  const { certPath, keyPath, now } = options
  const certificates = await readChain(certPath, 'SSL_CERT_PATH')
  const parsedKey = parseKey(await read(keyPath, 'SSL_KEY_PATH'))
  if (!parsedKey.ok) {
    throw invalid(keyPath, parsedKey.reason, parsedKey.isEncrypted ? decrypt(keyPath) : pointTo)
  }
  const { key } = parsedKey
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (!leaf) throw invalid(certPath, `it does not belong to the key in ${keyPath}`, pointTo)
  const invalidity = validityProblem(leaf, now)
  if (invalidity) throw invalid(certPath, invalidity, 'Have it renewed where it came from')
  const usages: readonly string[] | undefined = leaf.keyUsage
  if (usages && !usages.some((usage) => serverUsages.includes(usage))) {
    const reason = 'its extended key usage does not allow a server to show it'
    throw invalid(certPath, reason, 'Have one issued for TLS servers')
  }
  const { root, between } = await findRoot(leaf, certificates, options)
  const pair = {
    cert: [leaf, ...certificates.filter((one) => one !== leaf), ...between].map(String).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
  requireServable(certPath, pair)
  return {
    ...pair,
    caCertPem: root?.toString(),
    fingerprint256: leaf.fingerprint256,
    notAfter: leaf.validToDate,
    names: subjectNames(leaf),
    forAddresses: undefined,
    source: 'files',
    certFile: certPath,
    keyFile: keyPath,
    warnings: findWarnings(certPath, leaf, { root, now }),
  }
}

/** The root of a leaf, and what its own file leaves out on the way to it. */
async function findRoot(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  { caPath, mkcertRoot, readRoots }: CertificateFiles,
): Promise<{ root: X509Certificate | undefined; between: X509Certificate[] }> {
  const given = caPath === undefined ? [] : await readChain(caPath, 'SSL_CA_PATH')
  const mkcert = mkcertRoot === undefined ? [] : await rootOfMkcert(mkcertRoot)
  const path = pathFrom(leaf, [...chain, ...given, ...mkcert])
  const end = path.at(-1)
  const root = end && isSelfSigned(end) ? end : rootAmong(await readRoots(), path)
  const isOnTheWay = (one: X509Certificate) =>
    one !== root && !chain.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256)
  return { root, between: path.filter(isOnTheWay) }
}

/** The first of the roots that issued one of the certificates: a chain may go on past it. */
function rootAmong(
  roots: readonly string[],
  path: readonly X509Certificate[],
): X509Certificate | undefined {
  for (const pem of roots) {
    // One that OpenSSL cannot read issued nothing of ours.
    const root = readableCertificate(pem)
    if (root && path.some((certificate) => issued(root, certificate))) return root
  }
  return undefined
}

async function rootOfMkcert(folder: string): Promise<X509Certificate[]> {
  const { certFile } = authorityFiles(folder)
  // Without the file there is no mkcert here, or it has no root yet.
  return readableCertificates(await readFile(certFile, 'utf8').catch(() => ''))
}

async function readChain(path: string, setting: string): Promise<X509Certificate[]> {
  const content = await read(path, setting)
  // What it is decides, not what it is called.
  const parts = readCertificateFile({ name: 'own.pem', content })
  const damaged = parts.find(({ verdict }) => verdict === 'malformed')
  const certificates = parts.flatMap(({ certificate }) => certificate ?? [])
  if (certificates.length > 0 && !damaged) return certificates
  const reason =
    damaged?.verdict === 'malformed'
      ? lowerFirst(damaged.message)
      : 'it holds a private key, and no certificate'
  throw invalid(path, reason, `Point ${setting} to a certificate as PEM or DER`)
}

// What nothing else finds: a key too short, an algorithm that is switched off.
function requireServable(certPath: string, pair: { cert: string; key: string }): void {
  try {
    createSecureContext(pair)
  } catch (error) {
    const cure = 'Have it issued anew with a P-256 key, or an RSA key of 2048 bits, and SHA-256'
    throw invalid(certPath, `TLS refuses it (${messageOf(error)})`, cure, error)
  }
}

function findWarnings(
  certPath: string,
  leaf: X509Certificate,
  { root, now }: { root: X509Certificate | undefined; now: number },
): UserError[] {
  const warnings: UserError[] = []
  const warn = (finding: string, hint: string) => {
    const message = `The certificate in ${certPath} ${finding}.`
    warnings.push(new UserError('CERTIFICATE_INVALID', message, { hint }))
  }
  if (!coversName(leaf, 'localhost')) {
    const names = subjectNames(leaf)
    const covers =
      names.length > 0
        ? `only ${names.join(', ')}`
        : 'and has no subject alternative name at all (a common name counts for Node alone)'
    warn(
      `does not cover localhost, ${covers}`,
      `Clients refuse https://localhost. Have it issued for localhost as well; ${without}.`,
    )
  }
  if (timeLeft(leaf, now) < renewBeforeMs) {
    warn(
      `expires in ${daysLeft(leaf, now)} days`,
      'Renew it where it came from: a gateway that runs takes the new files over by itself.',
    )
  }
  if (!root) {
    warn(
      `was issued by ${onOneLine(leaf.issuer)}, and the root it leads to was not found on this machine`,
      'A client connects only if it trusts that root already. Name the PEM file of the root in SSL_CA_PATH, and everything printed here tells clients of it.',
    )
  }
  return warnings
}

async function read(file: string, setting: string): Promise<Buffer> {
  return readFile(file).catch((error: unknown) => {
    throw invalid(file, messageOf(error), `Correct ${setting}`, error)
  })
}

const without = 'or remove SSL_CERT_PATH and SSL_KEY_PATH, and a certificate is made for you'

const pointTo =
  'Point SSL_CERT_PATH and SSL_KEY_PATH to a certificate and the key that belongs to it'

function decrypt(keyPath: string): string {
  return `Take the passphrase off with \`openssl pkey -in ${shellQuote(keyPath)} -out plain-key.pem\`, and point SSL_KEY_PATH there`
}

function invalid(file: string, reason: string, cure: string, cause?: unknown): UserError {
  const message = `The certificate cannot be served because of ${file}: ${reason.replace(/\.$/, '')}.`
  return new UserError('CERTIFICATE_INVALID', message, { hint: `${cure}; ${without}.`, cause })
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
