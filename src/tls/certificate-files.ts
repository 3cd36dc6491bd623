import type { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { messageOf, UserError } from '../errors.ts'
import { isSelfSigned, parseCertificates, subjectNames } from './certificate-pem.ts'
import { parseKey } from './private-key.ts'
import { coversName, daysLeft, renewBeforeMs, timeLeft, validityProblem } from './renewal.ts'
import type { ServedCertificate } from './served-certificate.ts'

/**
 * Reads the user's own certificate chain and key (PEM), to be served as they are. Throws UserError
 * CERTIFICATE_INVALID when they cannot be read or parsed, do not match, are not valid at `now` (ms
 * since the epoch), or OpenSSL refuses them. Warns when they do not cover localhost or expire soon.
 */
export async function readCertificateFiles(options: {
  certPath: string
  keyPath: string
  now: number
}): Promise<ServedCertificate> {
  const { certPath, keyPath, now } = options
  const cert = await readText(certPath)
  const key = await readText(keyPath)
  const { leaf, root } = parseChain(certPath, cert)
  const parsedKey = parseKey(key)
  if (!parsedKey.ok) throw invalid(keyPath, parsedKey.reason)
  if (!leaf.checkPrivateKey(parsedKey.key)) {
    throw invalid(certPath, `it does not belong to the key in ${keyPath}`)
  }
  const invalidity = validityProblem(leaf, now)
  if (invalidity) throw invalid(certPath, invalidity)
  requireServable(certPath, { cert, key })
  return {
    cert,
    key,
    caCertPem: root?.toString(),
    fingerprint256: leaf.fingerprint256,
    notAfter: leaf.validToDate,
    names: subjectNames(leaf),
    forAddresses: undefined,
    source: 'files',
    certFile: certPath,
    keyFile: keyPath,
    warnings: findWarnings(certPath, leaf, now),
  }
}

function parseChain(
  certPath: string,
  pem: string,
): { leaf: X509Certificate; root: X509Certificate | undefined } {
  let chain: X509Certificate[]
  try {
    chain = parseCertificates(pem)
  } catch (error) {
    throw invalid(certPath, 'it is damaged', error)
  }
  const [leaf] = chain
  if (!leaf) throw invalid(certPath, 'it holds no PEM certificate')
  return { leaf, root: chain.findLast(isSelfSigned) }
}

// What nothing else finds: a key too short, an algorithm that is switched off.
function requireServable(certPath: string, pair: { cert: string; key: string }): void {
  try {
    createSecureContext(pair)
  } catch (error) {
    throw invalid(certPath, `TLS refuses it (${messageOf(error)})`, error)
  }
}

function findWarnings(certPath: string, leaf: X509Certificate, now: number): UserError[] {
  const findings: string[] = []
  if (!coversName(leaf, 'localhost')) {
    findings.push(`does not cover localhost, only ${subjectNames(leaf).join(', ') || 'nothing'}`)
  }
  if (timeLeft(leaf, now) < renewBeforeMs) findings.push(`expires in ${daysLeft(leaf, now)} days`)
  return findings.map((finding) => problem(`The certificate in ${certPath} ${finding}.`))
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw invalid(file, messageOf(error), error)
  })
}

function invalid(file: string, reason: string, cause?: unknown): UserError {
  return problem(`The certificate cannot be served because of ${file}: ${reason}.`, cause)
}

function problem(message: string, cause?: unknown): UserError {
  return new UserError('CERTIFICATE_INVALID', message, {
    hint:
      'Put a matching PEM pair where SSL_CERT_PATH and SSL_KEY_PATH point, or remove both ' +
      'settings, and a certificate is made for you.',
    cause,
  })
}
