/**
 * Everything the gateway tells the outside while it runs. `--json` prints each as one line, so
 * the names here are public; the terminal renders the same events for people.
 */
export type GatewayEvent =
  | ReadyEvent
  | { event: 'progress'; step: string; detail?: string }
  | UpstreamEvent
  | ReloadEvent
  | TunnelEvent
  | ApprovalEvent
  | ApprovalStateEvent
  | TrustEvent
  | {
      event: 'url-changed'
      previousUrl: string
      appUrl: string
      origins: string[]
      redirectUri: string
    }
  | ClientFileEvent
  | { event: 'config'; state: 'applied'; changes: string[] }
  | { event: 'config'; state: 'rejected'; code: string; message: string; hint?: string }
  | { event: 'warning'; code: string; message: string; hint?: string }
  /** `stack` is there when it is a bug. */
  | { event: 'error'; code: string; message: string; hint?: string; stack?: string }
  | { event: 'stopped'; reason: string }

export interface ReadyEvent {
  event: 'ready'
  version: string
  /** Time from the start of the process to this event, ms. */
  startedInMs: number
  /** The address everything is derived from: the public one, else local HTTPS, else local HTTP. */
  appUrl: string
  /** Every origin that is served, `appUrl` first. */
  origins: string[]
  profiles: ProfileSummary[]
  /** `<appUrl>/api/oauth/callback`. */
  redirectUri: string
  /** Certificate of the authority that signed the local certificate; absent without local HTTPS. */
  caFile?: string
  /** Its SHA-256 fingerprint, colon-separated upper-case hex, as the next. */
  caFingerprint?: string
  /** The local certificate; connections to addresses may get another one. */
  certFile?: string
  certFingerprint?: string
  /** System roots plus that authority, for runtimes whose variable replaces the system's roots. */
  bundleFile?: string
  /**
   * Where a variable of the gateway's environment names further authorities: a file with those and
   * ours, by the variable.
   */
  combinedFiles?: Readonly<Record<string, string>>
}

export interface ProfileSummary {
  name: string
  url: string
  tools: number
  resources: number
  prompts: number
  servers: { name: string; state: UpstreamState; tools: number; error?: string }[]
  /** Collisions, invalid names and other findings about the profile's names. */
  problems: string[]
}

export interface UpstreamEvent {
  event: 'upstream'
  server: string
  state: UpstreamState
  tools?: number
  error?: string
  /** Where to log in to it, while it waits for that. */
  loginUrl?: string
}

/** A server under `watch` was restarted, as these files of it changed; with `error` it did not start. */
export interface ReloadEvent extends ReloadOutcome {
  event: 'reload'
  server: string
  files: string[]
}

export interface ReloadOutcome {
  /** How long it took, ms. */
  ms: number
  /** Names of tools. */
  added: string[]
  changed: string[]
  removed: string[]
  error?: string
}

/**
 * What a server is trusted by has changed, so its connections were dropped. `blocked`: its
 * certificate is not checked, and somebody beyond this machine can reach the gateway.
 */
export interface TrustEvent {
  event: 'trust'
  server: string
  change: 'added' | 'replaced' | 'removed' | 'refused' | 'blocked' | 'unblocked'
  message: string
}

/** A client asks for access: its owner types the code into the page, or says yes here when it is `local`. */
export interface ApprovalEvent {
  event: 'approval'
  id: string
  code: string
  /** Two words, shown on the page as well. */
  reference: string
  clientName: string
  clientId: string
  redirectHost: string
  profile: string
  origin: string
  /** Where the request came from, such as `this machine`. */
  from: string
  /** It came from this machine, so a yes on the terminal allows it. */
  local: boolean
  /** ms since the epoch */
  expiresAt: number
}

/** What became of such a request. `busy`: one was not announced, as too many came before. */
export type ApprovalStateEvent = { event: 'approval-state' } & (
  | {
      state: 'wrong-code'
      triesLeft: number
      id: string
      reference: string
      clientName: string
      from: string
    }
  | {
      state: 'allowed' | 'refused'
      id: string
      reference: string
      clientName: string
      from: string
    }
  | { state: 'busy'; from: string }
)

/** An entry of an MCP client's own file was written, or taken out again. */
export interface ClientFileEvent {
  event: 'client'
  client: string
  /** The name of the entry. */
  name: string
  /** Absolute. */
  path: string
  outcome:
    | 'created'
    | 'changed'
    | 'unchanged'
    | 'restored'
    | 'removed'
    | 'deleted'
    | 'gone'
    | 'edited'
}

/** What the tunnel is at; `local` when there is none and local addresses go on. */
export interface TunnelEvent {
  event: 'tunnel'
  provider: string
  state: 'opening' | 'proving' | 'up' | 'failed' | 'lost' | 'local'
  publicUrl?: string
  /** What the probe found through the public address. */
  probe?: object
  /** The same in one line, and what a person should know of this provider. */
  summary?: string
  advice?: string
  retryInMs?: number
  code?: string
  message?: string
  hint?: string
}

/**
 * `idle`: not running, started at the next call. `starting`: being connected. `up`: connected.
 * `failed`: the last attempt failed; a new one follows after a backoff, or at the next call.
 * `login-needed`: it answers nobody before its owner has logged in.
 */
export type UpstreamState = 'idle' | 'starting' | 'up' | 'failed' | 'login-needed'
