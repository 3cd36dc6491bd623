import 'reflect-metadata'
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import type { UploadedFile } from '../../../src/tls/upstream/certificate-file.ts'

const dayMs = 86_400_000

export interface Wanted {
  readonly name: string
  /** The one that signs; it signs itself without. */
  readonly issuer?: Issued
  readonly ca?: boolean
  readonly names?: readonly string[]
  readonly key?: KeyObject
  /** Days from now. */
  readonly from?: number
  readonly until?: number
  readonly hash?: 'SHA-1' | 'SHA-256'
  /** Object identifiers. */
  readonly usages?: readonly string[]
}

export interface Issued {
  readonly name: string
  readonly pem: string
  readonly der: Uint8Array
  readonly key: KeyObject
  /** PKCS #8 PEM. */
  readonly keyPem: string
}

export function ecKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

export function rsaKey(modulusLength: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey
}

/** Issues a certificate of any kind, also of kinds that must be refused. */
export async function issue(wanted: Wanted): Promise<Issued> {
  const { name, issuer, ca = true, key = ecKey(), names = [], hash = 'SHA-256' } = wanted
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const signer = issuer?.key ?? key
  const algorithm =
    signer.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash }
      : { name: 'ECDSA', namedCurve: 'P-256', hash }
  const signerPublic = createPublicKey(signer).export({ type: 'spki', format: 'der' })
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `40${randomBytes(12).toString('hex')}`,
    subject: `CN=${name}`,
    issuer: `CN=${issuer?.name ?? name}`,
    notBefore: wholeSeconds(wanted.from ?? -1),
    notAfter: wholeSeconds(wanted.until ?? 365),
    publicKey,
    signingKey: signer.toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(names.length > 0
        ? [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
            ),
          ]
        : []),
      ...(wanted.usages ? [new x509.ExtendedKeyUsageExtension([...wanted.usages])] : []),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signerPublic),
    ],
  })
  return {
    name,
    pem: `${certificate.toString('pem').trim()}\n`,
    der: new Uint8Array(certificate.rawData),
    key,
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** A root, an intermediate of it, and a server's certificate for localhost. */
export async function issueChain(names: readonly string[] = ['localhost', '127.0.0.1']) {
  const root = await issue({ name: 'Lab Root' })
  const intermediate = await issue({ name: 'Lab Issuing CA', issuer: root })
  const leaf = await issue({ name: 'server', issuer: intermediate, ca: false, names })
  return { root, intermediate, leaf }
}

export function fileOf(name: string, content: string | Uint8Array): UploadedFile {
  return { name, content: typeof content === 'string' ? Buffer.from(content) : content }
}

function wholeSeconds(days: number): Date {
  return new Date(Math.floor((Date.now() + days * dayMs) / 1000) * 1000)
}
