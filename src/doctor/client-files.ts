import type { ClientFile as McpClientFile } from '../clients/mcp-client.ts'
import { mcpClients } from '../clients/mcp-clients.ts'
import type { UserFolders } from '../clients/user-folders.ts'
import { type ConfigLanguage, configFormats } from '../editing/config-formats.ts'

/** A file in which an MCP client keeps its servers. */
export interface ClientFile {
  /** What `sallyport client` calls it. */
  readonly client: string
  readonly path: string
  readonly format: ConfigLanguage
  /** Where in the file the servers stand; each a path of keys. */
  readonly keys: readonly (readonly string[])[]
}

/** One server in such a file. */
export interface ClientFileEntry {
  readonly name: string
  readonly url: string
}

/** The files of every client that has one, of the project first. */
export function clientFiles(folders: UserFolders): ClientFile[] {
  const files = (['project', 'user'] as const).flatMap((scope) =>
    mcpClients.flatMap(({ id, file }) => {
      const path = file?.paths(folders)[scope]
      if (!file || path === undefined) return []
      return [{ client: id, path, format: file.format, keys: keysOf(file) }]
    }),
  )
  return files.map((file) =>
    file.client === 'claude-code'
      ? // It also keeps servers for each folder, in the file of the user.
        { ...file, keys: [...file.keys, ['projects', folders.projectDir, 'mcpServers']] }
      : file,
  )
}

/** Where a client's servers stand: what holds the entry of any. */
function keysOf(file: McpClientFile): string[][] {
  return file
    .places({ name: 'any', url: 'https://any.example' })
    .map(({ path }) => path.slice(0, -1))
    .filter((path) => path.every((segment) => typeof segment === 'string'))
}

/** The entries of a file that lead to a gateway like ours: by their name, or by their path. */
export function ourEntries(
  text: string,
  { format, keys }: Pick<ClientFile, 'format' | 'keys'>,
): ClientFileEntry[] {
  const parsed = configFormats[format].read(text)
  if (!parsed.ok) return []
  return keys
    .flatMap((path) => Object.entries(at(parsed.value, path)))
    .flatMap(([name, entry]) => {
      const url = urlOf(entry)
      return url && isOurs(name, url) ? [{ name, url: url.href }] : []
    })
}

function at(value: unknown, path: readonly string[]): object {
  const found = path.reduce<unknown>((inner, key) => Object(inner)[key], value)
  return typeof found === 'object' && found !== null ? found : {}
}

/** Clients have several names for it, and bridges such as mcp-remote take it as an argument. */
function urlOf(entry: unknown): URL | null {
  const { url, serverUrl, httpUrl, uri, args } = Object(entry) as Record<string, unknown>
  const candidates = [url, serverUrl, httpUrl, uri, ...(Array.isArray(args) ? args : [])]
  const text = candidates.find((one) => typeof one === 'string' && /^https?:\/\//.test(one))
  return URL.parse(String(text))
}

function isOurs(name: string, { pathname }: URL): boolean {
  return name === 'sallyport' || name.startsWith('sallyport-') || pathname.startsWith('/api/mcp/')
}
