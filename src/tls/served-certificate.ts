import type { UserError } from '../errors.ts'

/** A chain, leaf first, and its key as PEM, and where they are kept. */
export interface ServedPair {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

/** What the HTTPS listeners serve, and what is worth knowing about it. */
export interface ServedCertificate extends ServedPair {
  /**
   * What to serve instead to a connection that names no host, as one to an IP address: the same
   * with the addresses. BoringSSL (Claude Code, Bun) knows no name constraints on addresses and
   * refuses any leaf that has both, so the leaf for named hosts must do without.
   */
  readonly forAddresses: ServedPair | undefined
  /** PEM of the root a client must trust; undefined when it is not known. */
  readonly caCertPem: string | undefined
  /** SHA-256 of the leaf, colon-separated upper-case hex. */
  readonly fingerprint256: string
  readonly notAfter: Date
  /** DNS names and addresses the leaf is made for. */
  readonly names: readonly string[]
  readonly source: 'own-ca' | 'mkcert' | 'files'
  /** What does not stop it from being served, to be shown to the user. */
  readonly warnings: readonly UserError[]
}
