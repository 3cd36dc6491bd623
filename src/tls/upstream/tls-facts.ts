import type { X509Certificate } from 'node:crypto'
import type { FailedStage, TlsObservation } from '../observe-tls.ts'

/** Everything an explanation is made from. */
export interface TlsFacts {
  /** The server's name in the configuration. */
  readonly server: string
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
  readonly observation: TlsObservation
  /** The authorities kept for this server. */
  readonly bundle: readonly X509Certificate[]
  /** PEM of what else is trusted. */
  readonly roots: readonly string[]
  /** Whether a client certificate is kept for it, and was presented. */
  readonly presented: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type TlsFindingKind =
  | FailedStage
  | 'old-protocol'
  | 'expired'
  | 'not-yet-valid'
  | 'self-signed'
  | 'self-signed-leaf'
  | 'untrusted-root'
  | 'other-root'
  | 'missing-root'
  | 'missing-issuer'
  | 'name-mismatch'
  | 'common-name'
  | 'too-weak'
  | 'client-certificate-needed'
  | 'client-certificate-refused'
  | 'no-tls'
  | 'other'

/** One thing that keeps a connection from verifying: a sentence, and what to do about it. */
export interface TlsFinding {
  readonly kind: TlsFindingKind
  readonly message: string
  readonly fix: string
  /** The command that does it, where there is one. */
  readonly command: string | undefined
}
