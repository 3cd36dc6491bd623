import type { NewKey } from './commands/access.ts'
import type { ClientFlags } from './commands/client.ts'

/** The options of `sallyport dev`, as they were typed. */
export interface DevFlags {
  readonly port?: string
  readonly httpsPort?: string
  readonly host?: string
  readonly tunnel?: string
  readonly allowAnonymous?: boolean
  readonly anySubdomain?: boolean
  readonly config?: string
  readonly strictPort?: boolean
  /** Ids of clients, separated by commas. */
  readonly client?: string
  readonly write?: boolean
  readonly undoOnExit?: boolean
  readonly json?: boolean
  readonly https: boolean
  readonly keys: boolean
}

export interface CloudflaredFlags {
  readonly yes?: boolean
  readonly json?: boolean
}

export interface CertsFlags {
  readonly json?: boolean
}

/** What each command does; resolves with the exit code. */
export interface CommandActions {
  dev(flags: DevFlags): Promise<number>
  certs(action: 'show' | 'renew', flags: CertsFlags): Promise<number>
  installCloudflared(flags: CloudflaredFlags): Promise<number>
  connect(server: string): Promise<number>
  /** Lists the clients when none is named. */
  client(name: string | undefined, flags: ClientFlags): Promise<number>
  /** `keys`, `grants` and `oauth`. */
  access(command: AccessCommand): Promise<number>
}

export type AccessCommand =
  | { readonly do: 'create-key'; readonly key: NewKey }
  | { readonly do: 'revoke-key' | 'revoke-grant'; readonly id: string }
  | { readonly do: 'list-keys' | 'list-grants' | 'rotate-keys' }
