import type { ReadUpstreamTls } from '../../lib/upstream-connections.ts'
import type { CertificateVerdict, FileVerdict, UploadedFile } from './file-verdict.ts'

/** Who asks for a change: the user of the operating system or an admin session, and from where. */
export interface BundleChange {
  readonly by: string
  /** `cli`, or the address the request came from. */
  readonly from: string
}

/** One certificate as it is shown; names on one line (`CN=…, O=…`). */
export interface BundleCertificate {
  readonly kind: Extract<CertificateVerdict, 'root' | 'intermediate'>
  readonly subject: string
  readonly issuer: string
  readonly fingerprint256: string
  /** Milliseconds since the epoch, here and below. */
  readonly notBefore: number
  readonly notAfter: number
  /** Whole days, negative once it has expired. */
  readonly daysLeft: number
}

/** A certificate whose issuer the bundle does not hold. */
export interface MissingLink {
  readonly subject: string
  readonly issuer: string
  /** `other-key`: the bundle holds a certificate of that name, but another key signed. */
  readonly reason: 'absent' | 'other-key'
  readonly message: string
}

/** Whether what is stored verifies, and what it is: two of a kind hold the same. */
export type BundleState = Pick<BundleDescription, 'state' | 'fingerprint'>

export interface BundleDescription {
  readonly server: string
  /** `refused`: it does not carry a good signature of ours, and the server is not connected to. */
  readonly state: 'good' | 'refused'
  /** Why it is refused, and what cures that. */
  readonly problem: string | undefined
  readonly hint: string | undefined
  /** Roots first, each issuer before what it signed. Empty when refused. */
  readonly certificates: readonly BundleCertificate[]
  readonly missing: readonly MissingLink[]
  readonly clientCertificate: Omit<BundleCertificate, 'kind'> | undefined
  /** SHA-256 over everything in the bundle, upper-case hex with colons. */
  readonly fingerprint: string | undefined
  readonly sequence: number | undefined
  readonly changed: (BundleChange & { readonly at: number }) | undefined
}

/** What became of an upload: `stored` is false when a file was refused, or when nothing is new. */
export interface BundleOutcome {
  /** Every file was accepted. Without that, nothing is stored. */
  readonly accepted: boolean
  readonly stored: boolean
  readonly files: readonly FileVerdict[]
  /** The bundle as it is now. */
  readonly bundle: BundleDescription | undefined
}

export interface AuditEntry extends BundleChange {
  readonly at: number
  readonly server: string
  readonly action:
    | 'replace'
    | 'add'
    | 'remove'
    | 'set-client-certificate'
    | 'remove-client-certificate'
    | 'rotate-keys'
    /** Files that were offered, and not taken. */
    | 'refuse'
  /** Fingerprints of the bundle; undefined where there was, or is, none. */
  readonly before: string | undefined
  readonly after: string | undefined
  /** A sentence; of what was refused. */
  readonly reason?: string
}

/** The certificate that connections to a server present, as PEM or DER files. */
export interface ClientCertificateFiles {
  /** The chain, leaf first. */
  readonly cert: UploadedFile
  readonly key: UploadedFile
}

export interface BundleUpload {
  /** What becomes of the authorities that are kept already. */
  readonly mode: 'add' | 'replace'
  /** Authorities; none leaves those that are kept as they are. */
  readonly files: readonly UploadedFile[]
  readonly clientCertificate?: ClientCertificateFiles | undefined
}

/**
 * The authorities and client certificates of upstreams, by the server's name. Each is signed when it
 * is written, and every read verifies that.
 */
export interface UpstreamBundles {
  /** @throws UserError CA_BUNDLE_REFUSED when what is stored does not carry a good signature */
  read: ReadUpstreamTls
  /** As `describe`, without the work of it: for those who look every few seconds. */
  state(server: string): Promise<BundleState | undefined>
  /** Reports a bad signature instead of throwing; undefined when nothing is stored. */
  describe(server: string): Promise<BundleDescription | undefined>
  /** Sorted by name. */
  list(): Promise<BundleDescription[]>
  /**
   * Stores everything of the upload, or nothing. `replace` is also the way out of a refused bundle,
   * with which its client certificate goes.
   * @throws UserError CA_BUNDLE_REFUSED when what is refused would be added to, USAGE when the upload
   * is empty
   */
  put(server: string, upload: BundleUpload, change: BundleChange): Promise<BundleOutcome>
  /** `put` of authorities in the place of those there are. */
  replace(
    server: string,
    files: readonly UploadedFile[],
    change: BundleChange,
  ): Promise<BundleOutcome>
  /** `put` of further authorities. */
  add(server: string, files: readonly UploadedFile[], change: BundleChange): Promise<BundleOutcome>
  /** `put` of a client certificate alone. */
  setClientCertificate(
    server: string,
    files: ClientCertificateFiles,
    change: BundleChange,
  ): Promise<BundleOutcome>
  /** Resolves with false when there was none. */
  removeClientCertificate(server: string, change: BundleChange): Promise<boolean>
  /** Removes everything of the server, also what is refused. False when there was nothing. */
  remove(server: string, change: BundleChange): Promise<boolean>
  /** Newest first, the last 1000 changes. */
  audit(server?: string): Promise<AuditEntry[]>
  /** Signs everything that verifies with a new key; the previous one still verifies. */
  rotateKeys(change: BundleChange): Promise<{ keyId: string; resigned: string[] }>
}
