import { X509Certificate } from 'node:crypto'
import { getCACertificates } from 'node:tls'

/** Says in which of the stores of this process a root is. Reads them when it is first asked. */
export function createRootStores(
  authority: () => string | undefined,
): (root: X509Certificate) => string {
  const stores = new Map<string, ReadonlySet<string>>()
  const holds = (store: 'bundled' | 'extra' | 'system', { fingerprint256 }: X509Certificate) => {
    const known = stores.get(store) ?? new Set(getCACertificates(store).flatMap(fingerprintOf))
    stores.set(store, known)
    return known.has(fingerprint256)
  }
  return (root) => {
    const ours = authority()
    if (ours !== undefined && fingerprintOf(ours).includes(root.fingerprint256)) {
      return 'our authority'
    }
    if (holds('bundled', root)) return 'the built-in roots'
    if (holds('extra', root)) return 'NODE_EXTRA_CA_CERTS'
    // Only what was given for the connection, or the system where Node is told to ask it.
    return holds('system', root) ? 'the roots of the system' : 'the CA bundle of this upstream'
  }
}

function fingerprintOf(pem: string): string[] {
  try {
    return [new X509Certificate(pem).fingerprint256]
  } catch {
    // A root that OpenSSL cannot read verifies nothing.
    return []
  }
}
