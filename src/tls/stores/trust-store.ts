import type { X509Certificate } from 'node:crypto'
import { powershellQuote, shellQuote } from '../../lib/shell.ts'

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
  readonly certificate: X509Certificate
  /** Whether what reads this store trusts it to sign for servers. */
  readonly isTrusted: boolean
  /** What the store's own tool removes it by: a file, a name, a hash; empty when nothing does. */
  readonly handle: string
}

type StoreContent =
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
  /** Looks into the store; those that have many certificates may leave out what is surely not ours. */
  check(): Promise<StoreContent>
  install(authority: TrustedAuthority): readonly StoreCommand[]
  remove(certificates: readonly StoredCertificate[]): readonly StoreCommand[]
}

/** SHA-256 as file names and names in databases carry it: sixteen hexadecimal digits. */
export function shortFingerprint({ fingerprint256 }: { fingerprint256: string }): string {
  return fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()
}

/**
 * `stale`: not ours, but an earlier authority of the same name is trusted, as after the authority
 * was made anew. `not-present`: there is no such store, or a tool to look into it is missing.
 */
export type StoreStatus =
  | { readonly state: 'trusted' | 'stale' | 'not-trusted'; readonly earlier: readonly string[] }
  | { readonly state: 'not-present'; readonly reason: string; readonly hint?: string | undefined }

/** What the content of a store means for an authority and those of the same maker before it. */
export function statusOf(content: StoreContent, authority: X509Certificate): StoreStatus {
  if (!content.present) {
    return { state: 'not-present', reason: content.reason, hint: content.hint }
  }
  const trusted = content.certificates.flatMap(({ certificate, isTrusted }) =>
    isTrusted ? [certificate] : [],
  )
  const { fingerprint256 } = authority
  const maker = organizationOf(authority)
  const earlier = trusted
    .filter((one) => one.fingerprint256 !== fingerprint256)
    .filter((one) => maker !== undefined && organizationOf(one) === maker)
    .map((one) => one.fingerprint256)
  if (trusted.some((one) => one.fingerprint256 === fingerprint256)) {
    return { state: 'trusted', earlier }
  }
  return { state: earlier.length > 0 ? 'stale' : 'not-trusted', earlier }
}

// Ours, or mkcert's.
function organizationOf({ subject }: X509Certificate): string | undefined {
  return /^O=(.+)$/m.exec(subject)?.[1]
}

/** Shows commands, asks, and runs them one after the other until one fails. */
export type Change = (commands: readonly StoreCommand[]) => Promise<ChangeOutcome>

/** What the commands themselves said; whether it helped is for the store to tell. */
export type ChangeOutcome = { readonly ok: true } | { readonly ok: false; readonly problem: string }

/** A store, and what became of it. */
export interface StoreReport {
  readonly kind: StoreKind
  readonly place: string
  readonly status: StoreStatus
  /** Whether this run changed it. */
  readonly changed: boolean
  /** Why it is not as it was asked for. */
  readonly problem?: string
}

/** Who runs the commands, and where. */
export interface CommandSetting {
  readonly platform: NodeJS.Platform
  readonly isRoot: boolean
}

/** Program and arguments, with sudo in front where root is needed and we are not root. */
export function argvOf(command: StoreCommand, { platform, isRoot }: CommandSetting): string[] {
  const needsSudo = command.asRoot && !isRoot && platform !== 'win32'
  return [...(needsSudo ? ['sudo'] : []), ...command.argv]
}

/** The command as a person would type it in the platform's usual shell. */
export function formatCommand(command: StoreCommand, setting: CommandSetting): string {
  const argv = argvOf(command, setting)
  return setting.platform === 'win32'
    ? ['&', ...argv.map(powershellQuote)].join(' ')
    : argv.map(shellQuote).join(' ')
}
