// Loading @peculiar/x509 takes some 90 ms: import this file only once there is something to issue.
import 'reflect-metadata'
import { createPublicKey, type KeyObject, randomBytes, type X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { authorityName } from './authority.ts'
import {
  encodeNameConstraints,
  nameConstraintsOid,
  type PermittedNames,
} from './name-constraints.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const authorityLifetimeMs = 3652 * dayMs
// Apple accepts 825 days from a private authority and 398 from a public one.
const leafLifetimeMs = 365 * dayMs
// A device whose clock is slow may meet a certificate that was issued a moment ago.
const backdateMs = hourMs

/**
 * Issues the self-signed certificate (PEM) of an authority that signs for `permitted` only. `now`
 * is in ms since the epoch, here and below.
 */
export async function issueAuthority(
  key: KeyObject,
  options: { permitted: PermittedNames; now: number },
): Promise<string> {
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags
  // Two authorities of one name would be tried for each other's certificates.
  const commonName = `${authorityName} ${randomBytes(4).toString('hex')}`
  const name = new x509.Name([{ O: [authorityName] }, { CN: [commonName] }])
  return issue({
    key,
    signingKey: key,
    subject: name,
    issuer: name,
    notBefore: options.now - backdateMs,
    notAfter: options.now - backdateMs + authorityLifetimeMs,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      new x509.Extension(nameConstraintsOid, true, encodeNameConstraints(options.permitted)),
    ],
  })
}

/**
 * Issues the certificate (PEM) of a TLS server at `names`, DNS names and addresses, signed by an
 * authority with an RSA or P-256 key. It never outlives the authority.
 */
export async function issueLeaf(
  key: KeyObject,
  options: {
    authority: { readonly certificate: X509Certificate; readonly key: KeyObject }
    names: readonly string[]
    now: number
  },
): Promise<string> {
  const authority = new x509.X509Certificate(options.authority.certificate.raw)
  const notBefore = options.now - backdateMs
  return issue({
    key,
    signingKey: options.authority.key,
    subject: new x509.Name([{ O: ['Sallyport'] }, { CN: ['localhost'] }]),
    issuer: authority.subjectName,
    notBefore,
    notAfter: Math.min(notBefore + leafLifetimeMs, authority.notAfter.getTime()),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        options.names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
      await authorityKeyIdentifier(authority),
    ],
  })
}

async function issue(options: {
  key: KeyObject
  signingKey: KeyObject
  subject: x509.Name
  issuer: x509.Name
  notBefore: number
  notAfter: number
  extensions: x509.Extension[]
}): Promise<string> {
  const publicKey = createPublicKey(options.key).export({ type: 'spki', format: 'der' })
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerialNumber(),
    subject: options.subject,
    issuer: options.issuer,
    notBefore: wholeSeconds(options.notBefore),
    notAfter: wholeSeconds(options.notAfter),
    publicKey,
    signingKey: toSigningKey(options.signingKey),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [...options.extensions, await x509.SubjectKeyIdentifierExtension.create(publicKey)],
  })
  return `${certificate.toString('pem').trim()}\n`
}

// The authority's own identifier wins over one computed from its key: they need not be equal.
async function authorityKeyIdentifier(authority: x509.X509Certificate): Promise<x509.Extension> {
  const known = authority.getExtension(x509.SubjectKeyIdentifierExtension)
  return known
    ? new x509.AuthorityKeyIdentifierExtension(known.keyId)
    : x509.AuthorityKeyIdentifierExtension.create(authority.publicKey)
}

function toSigningKey(key: KeyObject) {
  const algorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: 'P-256' }
  return key.toCryptoKey(algorithm, false, ['sign'])
}

// RFC 5280 4.1.2.2: positive, at most 20 bytes. The first byte keeps it positive and full length.
function randomSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return bytes.toString('hex')
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000)
}
