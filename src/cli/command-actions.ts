import type { NewKey } from './commands/access.ts'
import type { AddFlags } from './commands/ca.ts'
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

export interface TrustFlags {
  readonly status?: boolean
  readonly undo?: boolean
  readonly dryRun?: boolean
  /** Kinds of stores, separated by commas. */
  readonly only?: string
  readonly yes?: boolean
  readonly json?: boolean
}

export interface EnvFlags {
  readonly shell?: string
  readonly client?: string
  readonly json?: boolean
}

/** What each command does; resolves with the exit code. */
export interface CommandActions {
  dev(flags: DevFlags): Promise<number>
  certs(action: 'show' | 'renew', flags: CertsFlags): Promise<number>
  installCloudflared(flags: CloudflaredFlags): Promise<number>
  connect(server: string): Promise<number>
  /** Prints the link to the admin page. */
  admin(): Promise<number>
  /** Lists the clients when none is named. */
  client(name: string | undefined, flags: ClientFlags): Promise<number>
  /** `keys`, `grants` and `oauth`. */
  access(command: AccessCommand): Promise<number>
  trust(flags: TrustFlags): Promise<number>
  env(flags: EnvFlags): Promise<number>
  ca(command: CaCommand): Promise<number>
  doctor(): Promise<number>
}

export type AccessCommand =
  | { readonly do: 'create-key'; readonly key: NewKey }
  | { readonly do: 'revoke-key' | 'revoke-grant'; readonly id: string }
  | { readonly do: 'list-keys' | 'list-grants' | 'rotate-keys' }

export type CaCommand =
  | {
      readonly do: 'add'
      readonly server: string
      readonly files: readonly string[]
      readonly flags: AddFlags
    }
  | { readonly do: 'remove'; readonly server: string; readonly clientCertificateOnly: boolean }
  | { readonly do: 'test'; readonly server: string }
  | { readonly do: 'audit'; readonly server: string | undefined }
  | { readonly do: 'list' | 'rotate-keys' }
