/** What kinds of tunnel there are. `external` and `none` open nothing, so they are no providers. */
export type TunnelProviderName = 'localtunnel' | 'ngrok' | 'cloudflare' | 'command'

/** A kind of tunnel. Opens, and knows how to tell what is missing; never prints, asks or exits. */
export interface TunnelProvider {
  readonly name: TunnelProviderName
  /** Reports what is missing (binary, token, consent). Opens nothing, downloads nothing. */
  check(): Promise<CheckResult>
  /**
   * Resolves when the public URL is known. A rejected or aborted open leaves no child process.
   * @throws UserError with the code and fix of the failure, or the signal's reason
   */
  open(target: URL, options: { signal: AbortSignal }): Promise<Tunnel>
}

export type CheckResult =
  | { readonly ok: true }
  /** `configured` is false when the provider simply was not asked for, as without a token. */
  | {
      readonly ok: false
      readonly configured: boolean
      readonly message: string
      readonly hint: string
    }

/** One open connection to a tunnel service. */
export interface Tunnel {
  /** Origin of the public address. */
  readonly publicUrl: URL
  /** Settles once, whatever ended the tunnel. Never rejects. */
  readonly ended: Promise<TunnelEnd>
  /** Safe to call twice. No process, socket or timer is left when it resolves. */
  close(): Promise<void>
}

export interface TunnelEnd {
  /** `closed` when we asked for it. */
  readonly reason: 'closed' | 'lost' | 'failed'
  /** A sentence for the log, without secrets. */
  readonly detail: string
}

/** Facts about a provider that shape the server and the messages, whatever the tunnel at hand. */
export interface TunnelTraits {
  /** Header that skips the provider's interstitial page; undefined where there is none. */
  readonly skipInterstitialHeader: string | undefined
  /** Most requests held open at once; the rest would wait at the edge. */
  readonly maxHeldStreams: number
  /** Idle time after which the edge cuts a silent stream, ms. */
  readonly idleLimitMs: number
  /** Which forwarded header names the client's address, and which of its values. */
  readonly clientAddress: { readonly header: string; readonly take: 'first' | 'last' } | undefined
  /** Whether the leg between the edge and this machine is encrypted. */
  readonly encryptedLeg: boolean
}
