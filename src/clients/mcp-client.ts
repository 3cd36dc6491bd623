import type { ConfigFormat, ConfigValue, EntryPath } from './editing/config-format.ts'
import type { TrustVariable } from './trust-variable.ts'
import type { UserFolders } from './user-folders.ts'

/** One MCP endpoint as a client's configuration names it. */
export interface ClientEntry {
  readonly name: string
  readonly url: string
}

/** How an endpoint is to be reached. */
export interface ClientConnection extends ClientEntry {
  /** The environment variable with the API key, where one is sent instead of logging in. */
  readonly keyVariable?: string | undefined
  /** What NODE_EXTRA_CA_CERTS has to name, where our authority signed for the address. */
  readonly caFile?: string | undefined
}

/** What somebody pastes, and where. */
export interface ClientSnippet {
  readonly language: 'json' | 'toml' | 'yaml' | 'sh' | 'text'
  readonly text: string
  /** Such as `.mcp.json`, or the way through the client's settings. */
  readonly place: string
}

/** An address that adds the endpoint when it is opened. */
export interface ClientLink {
  readonly label: string
  readonly url: string
}

/** `project`: for the folder a command runs in. `user`: for everything of this user. */
export type ClientScope = 'project' | 'user'

/** How a client can be let in: without anything, by logging in, or with a key in a variable. */
export type ClientAuth = 'none' | 'oauth' | 'header'

/** The file in which a client has its servers. */
export interface ClientFile {
  readonly format: ConfigFormat['name']
  /** Everything that belongs to the entry. */
  places(connection: ClientConnection): readonly { path: EntryPath; value: ConfigValue }[]
  /** Absolute paths; a client may have a file in one scope only. */
  paths(folders: UserFolders): Partial<Record<ClientScope, string>>
}

/** One program that people connect to us: a file each, in the registry `mcp-clients.ts`. */
export interface McpClient {
  /** What it is called on the command line. */
  readonly id: string
  readonly title: string
  /** `cloud`: its maker's servers call, so that a local address can never be reached. */
  readonly dials: 'machine' | 'cloud'
  readonly auth: readonly ClientAuth[]
  /** What makes it trust our authority. */
  readonly trust?: {
    readonly variable: TrustVariable
    /** The command that is started with it. */
    readonly program?: string
    /** The entry itself sets it. */
    readonly inEntry?: true
  }
  snippet(connection: ClientConnection): ClientSnippet
  /** The command that does the same, for a POSIX shell; undefined when it cannot do all of it. */
  command?(connection: ClientConnection): string | undefined
  links?(connection: ClientConnection): readonly ClientLink[]
  readonly file?: ClientFile
  /** What is left to do once it is in the configuration, as a sentence. */
  next(connection: ClientConnection): string
}
