import { createSecureContext, type SecureContext, type TLSSocket, type TlsOptions } from 'node:tls'
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

type Served = Pick<ServedCertificate, 'cert' | 'key'> & Partial<ServedCertificate>

/** @internal */
export type ServerContexts = ReturnType<typeof createServerContexts>

/** The certificate of a TLS server that runs: one leaf for named hosts, another one for addresses. */
export function createServerContexts(served: Served) {
  let forNames: SecureContext = createSecureContext(pemOptions(served))
  return {
    /** In the form Node's servers take. */
    options: {
      ...pemOptions(served.forAddresses ?? served),
      // RFC 6066 3: clients name a host only when it is a DNS name, never an address.
      SNICallback: (_host, done) => done(null, forNames),
    } satisfies TlsOptions,
    /** Serves new connections of `server` with another certificate; open ones go on undisturbed. */
    swap(server: { setSecureContext(options: TlsOptions): void }, next: Served): void {
      forNames = createSecureContext(pemOptions(next))
      server.setSecureContext(pemOptions(next.forAddresses ?? next))
    },
  }
}

function pemOptions({ cert, key }: { readonly cert: string; readonly key: string }) {
  return { cert, key, minVersion: 'TLSv1.2' as const }
}

/** Is told how each handshake of a listener ended. Must not keep or change the socket. */
export interface HandshakeObserver {
  accepted(socket: TLSSocket): void
  failed(error: NodeJS.ErrnoException, socket: TLSSocket): void
}
