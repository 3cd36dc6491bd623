/** A file as it was uploaded or read. */
export interface UploadedFile {
  /** Its name without folders, to be shown. */
  readonly name: string
  readonly content: Uint8Array
}

/** `root`, `intermediate`, `client` (what we present) and `duplicate` (kept once) are accepted. */
export type CertificateVerdict =
  | 'root'
  | 'intermediate'
  | 'client'
  | 'duplicate'
  | 'not-a-ca'
  | 'expired'
  | 'not-yet-valid'
  | 'too-weak'
  | 'private-key'
  | 'malformed'
  | 'too-large'
  | 'wrong-type'
  | 'unusable'

/** What one certificate of a file is, or why this part of the file is refused. */
export interface CertificateFinding {
  readonly verdict: CertificateVerdict
  /** A sentence. Never anything of a private key. */
  readonly message: string
  /** First line of it in a PEM file, counted from 1. */
  readonly line: number | undefined
  readonly subject: string | undefined
  readonly issuer: string | undefined
  readonly fingerprint256: string | undefined
  /** Milliseconds since the epoch. */
  readonly notAfter: number | undefined
}

export interface FileVerdict {
  readonly file: string
  readonly accepted: boolean
  /** What the file is in one sentence. */
  readonly message: string
  readonly certificates: readonly CertificateFinding[]
}
