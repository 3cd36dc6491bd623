import { applySplice, type ConfigValue } from '../editing/config-format.ts'
import { configFormats } from '../editing/config-formats.ts'
import type { ClientConnection, ClientFile, ClientScope, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts, type TrustVariable } from './trust-variables.ts'
import { placesOf, type UserPlaces } from './user-folders.ts'

/** A client that has its servers in a file, by what differs from the usual one. */
interface FileClient extends Pick<McpClient, 'id' | 'title' | 'command' | 'links'> {
  /** Without anything, by logging in, or with a key, unless said otherwise. */
  readonly auth?: McpClient['auth']
  /** NODE_EXTRA_CA_CERTS unless said otherwise. */
  readonly trustVariable?: TrustVariable
  /** The command that is started with it; none for a program that nobody starts from a shell. */
  readonly program?: string
  /** Whether the entry itself sets the variable. */
  readonly trustInEntry?: true
  /** JSON unless said otherwise. */
  readonly format?: ClientFile['format']
  /** The object of the file that holds the servers by name: `mcpServers` unless said otherwise. */
  readonly section?: string
  entry(connection: ClientConnection): ConfigValue
  /** What has to be in the file before the entry. */
  before?(connection: ClientConnection): ReturnType<ClientFile['places']>
  files(places: UserPlaces): Partial<Record<ClientScope, string>>
  /** The file as it is named to people. */
  readonly shownFile: string
  /** What is left to do once the entry is there, as a sentence. */
  readonly next: string
}

/** Creates the client, with its snippet from the same entry that is written. */
export function fileClient(client: FileClient): McpClient & { readonly file: ClientFile } {
  const { id, title, program, trustInEntry, command, links } = client
  const { auth = ['none', 'oauth', 'header'], trustVariable = nodeExtraCaCerts } = client
  const { format = 'json', section = 'mcpServers' } = client
  const file: ClientFile = {
    format,
    places: (connection) => [
      ...(client.before?.(connection) ?? []),
      { path: [section, connection.name], value: client.entry(connection) },
    ],
    paths: (folders) => client.files(placesOf(folders)),
  }
  return {
    id,
    title,
    dials: 'machine',
    auth,
    trust: {
      variable: trustVariable,
      ...(program !== undefined && { program }),
      ...(trustInEntry && { inEntry: trustInEntry }),
    },
    file,
    snippet: (connection) => ({
      language: format,
      text: documentOf(file, connection),
      place: client.shownFile,
    }),
    ...(command && { command }),
    ...(links && { links }),
    next: () => client.next,
  }
}

/** What a client's file looks like with one entry and nothing else. */
function documentOf({ format, places }: ClientFile, connection: ClientConnection): string {
  const text = places(connection).reduce((document, { path, value }) => {
    const splice = configFormats[format].insert(document, path, value)
    return splice ? applySplice(document, splice) : document
  }, '')
  return text.trimEnd()
}

/** The header by which a client sends the key of a variable, in its own way of naming variables. */
export function keyHeaders(
  { keyVariable }: Pick<ClientConnection, 'keyVariable'>,
  reference: (variable: string) => string,
): { headers?: { Authorization: string } } {
  if (keyVariable === undefined) return {}
  return { headers: { Authorization: `Bearer ${reference(keyVariable)}` } }
}

/** `${NAME}` */
export const inBraces = (variable: string): string => `\${${variable}}`

/** `${env:NAME}` */
export const inEnvBraces = (variable: string): string => `\${env:${variable}}`

/** A deep link with the entry as base64 of its JSON, or as that JSON itself. */
export function installLink(
  prefix: string,
  entry: { name: string; value: object },
  encoding: 'base64' | 'json',
): string {
  const json = JSON.stringify(entry.value)
  const config = encoding === 'base64' ? Buffer.from(json).toString('base64') : json
  return `${prefix}?name=${encodeURIComponent(entry.name)}&config=${encodeURIComponent(config)}`
}
