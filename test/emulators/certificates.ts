import { createPrivateKey, X509Certificate } from 'node:crypto'
import { issueAuthority, issueLeaf } from '../../src/tls/issue.ts'
import { generateKeyPem } from '../../src/tls/private-key.ts'

export interface EdgeCertificate {
  /** PEM of the authority that clients must be told to trust. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A private authority and a leaf of it: rustls and Go refuse an authority as a server's own. */
export async function issueEdgeCertificate(): Promise<EdgeCertificate> {
  const now = Date.now()
  const authorityKey = createPrivateKey(generateKeyPem())
  const permitted = ['localhost', 'trycloudflare.com', 'cftunnel.com', '127.0.0.0/8']
  const ca = await issueAuthority(authorityKey, { permitted, now })
  const authority = { certificate: new X509Certificate(ca), key: authorityKey }
  const names = ['localhost', '*.trycloudflare.com', 'h2.cftunnel.com', '127.0.0.1']
  const key = generateKeyPem()
  return { ca, cert: await issueLeaf(createPrivateKey(key), { authority, names, now }), key }
}
