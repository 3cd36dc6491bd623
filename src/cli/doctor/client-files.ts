import { join } from 'node:path'
import { parseJsonc } from '../../config/parse-jsonc.ts'

/** A file in which an MCP client keeps its servers. */
export interface ClientFile {
  /** What `sallyport client` calls it. */
  readonly client: string
  readonly path: string
  /** Where in the file the servers stand; each a path of keys. */
  readonly keys: readonly (readonly string[])[]
}

/** One server in such a file. */
export interface ClientFileEntry {
  readonly name: string
  readonly url: string
}

/** The files of clients that keep theirs in JSON, of the project first. */
export function clientFiles(projectDir: string, userHome: string): ClientFile[] {
  const inProject = (path: string) => join(projectDir, path)
  const atHome = (path: string) => join(userHome, path)
  const standard = [['mcpServers']]
  return [
    { client: 'claude-code', path: inProject('.mcp.json'), keys: standard },
    { client: 'cursor', path: inProject('.cursor/mcp.json'), keys: standard },
    { client: 'vscode', path: inProject('.vscode/mcp.json'), keys: [['servers']] },
    { client: 'gemini', path: inProject('.gemini/settings.json'), keys: standard },
    {
      client: 'claude-code',
      path: atHome('.claude.json'),
      keys: [['mcpServers'], ['projects', projectDir, 'mcpServers']],
    },
    { client: 'cursor', path: atHome('.cursor/mcp.json'), keys: standard },
    { client: 'windsurf', path: atHome('.codeium/windsurf/mcp_config.json'), keys: standard },
    { client: 'gemini', path: atHome('.gemini/settings.json'), keys: standard },
  ]
}

/** The entries of a file that lead to a gateway like ours: by their name, or by their path. */
export function ourEntries(text: string, { keys }: Pick<ClientFile, 'keys'>): ClientFileEntry[] {
  const parsed = parseJsonc(text)
  if (!parsed.ok) return []
  return keys
    .flatMap((path) => Object.entries(at(parsed.document.value, path)))
    .flatMap(([name, entry]) => {
      const url = urlOf(entry)
      return url && isOurs(name, url) ? [{ name, url: url.href }] : []
    })
}

function at(value: unknown, path: readonly string[]): object {
  const found = path.reduce<unknown>((inner, key) => Object(inner)[key], value)
  return typeof found === 'object' && found !== null ? found : {}
}

/** Clients have three names for it, and bridges such as mcp-remote take it as an argument. */
function urlOf(entry: unknown): URL | null {
  const { url, serverUrl, httpUrl, args } = Object(entry) as Record<string, unknown>
  const candidates = [url, serverUrl, httpUrl, ...(Array.isArray(args) ? args : [])]
  const text = candidates.find((one) => typeof one === 'string' && /^https?:\/\//.test(one))
  return URL.parse(String(text))
}

function isOurs(name: string, { pathname }: URL): boolean {
  return name === 'sallyport' || name.startsWith('sallyport-') || pathname.startsWith('/api/mcp/')
}
