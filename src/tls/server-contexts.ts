import { createSecureContext, type SecureContext, type TlsOptions } from 'node:tls'
import type { ServedCertificate } from './served-certificate.ts'

type Served = Pick<ServedCertificate, 'cert' | 'key'> & Partial<ServedCertificate>

/** The certificate of a TLS server that runs, in the form Node's servers take. */
export interface ServerContexts {
  readonly options: TlsOptions
  /** Serves new connections of `server` with another certificate; open ones go on undisturbed. */
  swap(server: { setSecureContext(options: TlsOptions): void }, next: Served): void
}

/** Creates what a server needs to serve one leaf to named hosts and another one to addresses. */
export function createServerContexts(served: Served): ServerContexts {
  let forNames: SecureContext = createSecureContext(pemOptions(served))
  return {
    options: {
      ...pemOptions(served.forAddresses ?? served),
      // RFC 6066 3: clients name a host only when it is a DNS name, never an address.
      SNICallback: (_host, done) => done(null, forNames),
    },
    swap(server, next) {
      forNames = createSecureContext(pemOptions(next))
      server.setSecureContext(pemOptions(next.forAddresses ?? next))
    },
  }
}

function pemOptions({ cert, key }: { readonly cert: string; readonly key: string }) {
  return { cert, key, minVersion: 'TLSv1.2' as const }
}
