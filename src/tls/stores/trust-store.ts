import type { X509Certificate } from 'node:crypto'

export const storeKinds = ['system', 'nss', 'java'] as const
export type StoreKind = (typeof storeKinds)[number]

/** The authority to be trusted. */
export interface TrustedAuthority {
  readonly certificate: X509Certificate
  /** PEM file of the certificate. */
  readonly file: string
}

/** A certificate that a store holds. */
export interface StoredCertificate {
  readonly fingerprint256: string
  /** Whether what reads this store trusts it to sign for servers. */
  readonly isTrusted: boolean
  /** What the store's own tool removes it by: a file, a name, a hash; empty when nothing does. */
  readonly handle: string
}

export type StoreContent =
  | { readonly present: true; readonly certificates: readonly StoredCertificate[] }
  /** Sentences: why there is no such store here, or what is needed to look into it. */
  | { readonly present: false; readonly reason: string; readonly hint?: string | undefined }

/** A program and its arguments; never run by a shell. */
export interface StoreCommand {
  readonly argv: readonly string[]
  readonly asRoot: boolean
}

/** One place that decides whom programs trust. Looks and builds commands; changes nothing itself. */
export interface TrustStore {
  readonly kind: StoreKind
  /** Says which one, to people and in the record of what was installed. */
  readonly place: string
  /** Looks into the store for the certificates that `concerns` picks. */
  check(concerns: (certificate: X509Certificate) => boolean): Promise<StoreContent>
  install(authority: TrustedAuthority): readonly StoreCommand[]
  remove(certificates: readonly StoredCertificate[]): readonly StoreCommand[]
}

/** SHA-256 as file names and names in databases carry it: sixteen hexadecimal digits. */
export function shortFingerprint({ fingerprint256 }: { fingerprint256: string }): string {
  return fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()
}
