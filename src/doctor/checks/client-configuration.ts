import { isIP } from 'node:net'
import type { ClientFile as McpClientFile } from '../../clients/mcp-client.ts'
import { mcpClients } from '../../clients/mcp-clients.ts'
import type { UserFolders } from '../../clients/user-folders.ts'
import { type ConfigLanguage, configFormats } from '../../editing/config-formats.ts'
import { type Check, type Finding, ok, warn } from '../check.ts'
import { healthOf } from '../find-gateway.ts'
import { configOf, type DoctorWorld, localFilesOf, namePath, runningGateway } from '../world.ts'

/** Whether what clients have in their files leads to something that is served now. */
export const clientConfiguration: Check = {
  id: 'client-configuration',
  title: 'Client configuration',
  async run(world) {
    const files = clientFiles(world.folders)
    const judged = files.map(async (file) => {
      const text = await world.readText(file.path)
      const entries = text === undefined ? [] : ourEntries(text, file)
      return Promise.all(entries.map((entry) => judge(entry, { file, world })))
    })
    return (await Promise.all(judged)).flat()
  },
}

async function judge(
  { name, url }: ClientFileEntry,
  { file, world }: { file: ClientFile; world: DoctorWorld },
): Promise<Finding> {
  const { origin, pathname } = new URL(url)
  const where = namePath(file.path, world)
  const fix = `pnpm sallyport client ${file.client} --write`
  const running = runningGateway(world)
  if (running && [running.appUrl, ...running.localOrigins].includes(origin)) {
    const profile = decodeURIComponent(/^\/api\/mcp\/([^/]+)/.exec(pathname)?.[1] ?? '')
    if (await isRefusedByBoringSsl(url, world)) {
      const text = `${where} leads "${name}" to ${origin}, where Claude Code, Bun and other programs on BoringSSL take no certificate of ours (UNSUPPORTED_CONSTRAINT_TYPE).`
      return warn(text, fix)
    }
    return running.profiles.includes(profile)
      ? ok(`${where} leads "${name}" to this gateway.`)
      : warn(`${where} leads "${name}" to ${url}, but there is no profile "${profile}".`, fix)
  }
  if (!running && isWhereItWillBe(origin, world)) {
    return ok(`${where} leads "${name}" to ${origin}, which is served once the gateway runs.`)
  }
  return (await healthOf(origin, world.ask))
    ? ok(`${where} leads "${name}" to another Sallyport gateway, at ${origin}.`)
    : warn(`${where} leads "${name}" to ${origin}, where no gateway answers now.`, fix)
}

/** Connections to addresses get a certificate that has them, of an authority that is constrained. */
async function isRefusedByBoringSsl(url: string, world: DoctorWorld): Promise<boolean> {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' || isIP(hostname.replace(/^\[|\]$/g, '')) === 0) return false
  return (await localFilesOf(world)).addresses !== undefined
}

/** Whether the configuration says that the gateway will have this address. */
function isWhereItWillBe(origin: string, world: DoctorWorld): boolean {
  const config = configOf(world)
  if (!config) return false
  const { httpPort, httpsPort } = config.listen
  const own = [`https://localhost:${httpsPort}`, `http://localhost:${httpPort}`]
  return [...own, config.appUrl].includes(origin)
}

/** A file in which an MCP client keeps its servers. */
interface ClientFile {
  /** What `sallyport client` calls it. */
  readonly client: string
  readonly path: string
  readonly format: ConfigLanguage
  /** Where in the file the servers stand; each a path of keys. */
  readonly keys: readonly (readonly string[])[]
}

/** One server in such a file. */
interface ClientFileEntry {
  readonly name: string
  readonly url: string
}

/** The files of every client that has one, of the project first. */
function clientFiles(folders: UserFolders): ClientFile[] {
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

/**
 * The entries of a file that lead to a gateway like ours: by their name, or by their path.
 * @internal
 */
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
