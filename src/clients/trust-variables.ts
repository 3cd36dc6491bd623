import type { TrustVariable } from './trust-variable.ts'

/** Node and what is made with it; it adds to the built-in roots. */
export const nodeExtraCaCerts: TrustVariable = {
  name: 'NODE_EXTRA_CA_CERTS',
  value: { file: 'ca' },
}

/** OpenSSL, and Rust programs that read the system's roots; it replaces them. */
export const sslCertFile: TrustVariable = { name: 'SSL_CERT_FILE', value: { file: 'bundle' } }
