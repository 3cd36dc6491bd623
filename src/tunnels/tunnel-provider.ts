import type { TunnelErrorCode } from '../errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { ProcessReaper } from '../lib/process-reaper.ts'

/** A kind of tunnel. Opens, and knows how to tell what is missing; never prints, asks or exits. */
export interface TunnelProvider {
  /** Its key in the registry, `tunnel-providers.ts`. */
  readonly name: string
  /** Reports what is missing (binary, token, consent). Opens nothing, downloads nothing. */
  check(): Promise<CheckResult>
  /**
   * Resolves when the public URL is known. A rejected or aborted open leaves no child process.
   * @param target an `http:` URL of this machine; its path is not used
   * @throws UserError with the code and fix of the failure, or the signal's reason
   */
  open(target: URL, options: { signal: AbortSignal }): Promise<Tunnel>
}

/** What every provider needs of the world. */
export interface TunnelDependencies {
  readonly reaper: ProcessReaper
  /** Hears what the clients say, redacted, at level debug. */
  readonly logger: Logger
  /** Our own environment, of which each client gets the part it needs. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

export type CheckResult =
  | { readonly ok: true }
  /** `configured` is false when the provider simply was not asked for, as without a token. */
  | ({ readonly ok: false; readonly configured: boolean } & TunnelFailure)

/** A failure that is known: what happened and what to do. */
export interface TunnelFailure {
  readonly code: TunnelErrorCode
  readonly message: string
  readonly hint: string
}

/** One open connection to a tunnel service. */
export interface Tunnel {
  /** Origin of the public address. */
  readonly publicUrl: URL
  /** Settles once, whatever ended the tunnel, when nothing of it is left. Never rejects. */
  readonly ended: Promise<TunnelEnd>
  /** Safe to call twice. No process, socket or timer is left when it resolves. */
  close(): Promise<void>
}

export interface TunnelEnd {
  /**
   * `closed` when we asked for it; `lost` when opening again may help; `failed` when it will not
   * before a person has done something.
   */
  readonly reason: 'closed' | 'lost' | 'failed'
  /** A sentence for the log, without secrets. */
  readonly detail: string
}

/** Facts about a provider that shape the server and the messages, whatever the tunnel at hand. */
export interface TunnelTraits {
  /** Header that skips the provider's interstitial page; undefined where there is none. */
  readonly skipInterstitialHeader: string | undefined
  /** Who meets that page and how to pass it, for the terminal. */
  readonly interstitialAdvice: string | undefined
  /** Most requests held open at once; the rest would wait at the edge. */
  readonly maxHeldStreams: number
  /** Which forwarded header names the client's address, and which of its values. */
  readonly clientAddress: { readonly header: string; readonly take: 'first' | 'last' } | undefined
  /** Whether the leg between the edge and this machine is encrypted, where that is known. */
  readonly encryptedLeg: boolean | undefined
}
