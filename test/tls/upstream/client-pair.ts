import 'reflect-metadata'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { generateKeyPem } from '../../../src/tls/private-key.ts'
import { dayMs, type TestPair } from '../lab.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }

/** A certificate that a client presents, signed by an authority, and its key. */
export async function issueClientPair(authority: {
  certPem: string
  keyPem: string
}): Promise<TestPair> {
  const key = generateKeyPem()
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '01020304',
    subject: new x509.Name([{ CN: ['Ada Lovelace'] }]),
    issuer: new x509.X509Certificate(authority.certPem).subjectName,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 30 * dayMs),
    publicKey,
    signingKey: createPrivateKey(authority.keyPem).toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  })
  return { cert: `${certificate.toString('pem').trim()}\n`, key }
}
