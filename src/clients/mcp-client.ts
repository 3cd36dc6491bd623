import type { ConfigLanguage } from '../editing/config-formats.ts'
import type { PlacedEntry } from '../editing/edit-entry.ts'
import { UserError } from '../errors.ts'
import { exposureOfOrigin } from '../origin/exposure.ts'
import type { ClientFiles, WrittenFile } from './client-files.ts'
import type { TrustVariable } from './trust-variables.ts'
import type { UserFolders } from './user-folders.ts'

/** One MCP endpoint as a client's configuration names it. */
interface ClientEntry {
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
interface ClientSnippet {
  readonly language: 'json' | 'toml' | 'yaml' | 'sh' | 'text'
  readonly text: string
  /** Such as `.mcp.json`, or the way through the client's settings. */
  readonly place: string
}

/** An address that adds the endpoint when it is opened. */
interface ClientLink {
  readonly label: string
  readonly url: string
}

/** `project`: for the folder a command runs in. `user`: for everything of this user. */
export type ClientScope = 'project' | 'user'

/** How a client can be let in: without anything, by logging in, or with a key in a variable. */
type ClientAuth = 'none' | 'oauth' | 'header'

/** The file in which a client has its servers. */
export interface ClientFile {
  readonly format: ConfigLanguage
  /** Everything that belongs to the entry. */
  places(connection: ClientConnection): readonly PlacedEntry[]
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

/**
 * The name a profile's endpoint gets in a client's configuration. The product's name is always
 * part of it, so that a profile called `github` never replaces a server the user already has.
 */
export function clientEntryName(profile: string): string {
  return profile === 'default' ? 'sallyport' : `sallyport-${profile}`
}

/** The variable that a key is expected in, from the name of the entry: `SALLYPORT_WORK_KEY`. */
export function keyVariableOf(entryName: string): string {
  return `${entryName.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}_KEY`
}

/** Whether a service elsewhere can call an address: HTTPS, under a name that is not of this network. */
export function isPublicAddress(url: string): boolean {
  const { origin, protocol } = new URL(url)
  return protocol === 'https:' && exposureOfOrigin(origin) === 'public'
}

/**
 * Refuses what could never work: a service elsewhere that is to call this machine, and a key where
 * the client would have to have it in a file.
 * @throws UserError CLIENT_NEEDS_PUBLIC_ADDRESS or USAGE
 */
export function requireUsable(client: McpClient, connection: ClientConnection): void {
  const { title, dials, auth } = client
  if (dials === 'cloud' && !isPublicAddress(connection.url)) {
    throw new UserError(
      'CLIENT_NEEDS_PUBLIC_ADDRESS',
      `${title} cannot reach ${connection.url}: it calls from its maker's servers, to which that is an address of their own.`,
      {
        hint: 'Open a tunnel, `pnpm dev:https --tunnel auto`, and try again while it runs; or name a public address with --url.',
      },
    )
  }
  if (connection.keyVariable !== undefined && !auth.includes('header')) {
    throw new UserError(
      'USAGE',
      `${title} cannot take an API key from a variable, and none is written into a file.`,
      { hint: 'Give it a profile whose "auth" is "oauth", or type the key into its settings.' },
    )
  }
}

/**
 * Writes an entry into a client's file: the user's unless a scope is given.
 * @throws UserError USAGE when the client has no such file, or why it was not changed
 */
export function writeClient(
  client: McpClient,
  connection: ClientConnection,
  options: {
    files: ClientFiles
    folders: UserFolders
    scope: ClientScope | undefined
    force: boolean
  },
): Promise<WrittenFile> {
  const { files, folders, scope, force } = options
  const { file, id, title } = client
  if (!file) {
    throw new UserError('USAGE', `${title} has no file that could be written.`, {
      hint: `Do it by hand: \`pnpm sallyport client ${id}\` shows how.`,
    })
  }
  const paths = file.paths(folders)
  const path = paths[scope ?? 'user']
  if (path === undefined) {
    const has = Object.keys(paths).join(', ')
    throw new UserError('USAGE', `${title} has no file of the scope "${scope}".`, {
      hint: `It has one for: ${has}.`,
    })
  }
  const { name } = connection
  const places = file.places(connection)
  return files.write({ path, format: file.format, client: id, name, places }, { force })
}
