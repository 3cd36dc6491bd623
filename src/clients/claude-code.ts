import { powershellQuote, shellQuote } from '../lib/shell-quote.ts'

/** One MCP endpoint as a client's configuration names it. */
export interface ClientEntry {
  readonly name: string
  readonly url: string
}

/** Content of a `.mcp.json` with these endpoints and nothing else. */
export function claudeCodeConfig(entries: readonly ClientEntry[]): string {
  const mcpServers = Object.fromEntries(
    entries.map(({ name, url }) => [name, { type: 'http', url }]),
  )
  return JSON.stringify({ mcpServers }, null, 2)
}

/** The command that adds the endpoint to Claude Code's own configuration. */
export function claudeCodeCommand(entry: ClientEntry): string {
  return `claude mcp add --transport http ${shellQuote(entry.name)} ${shellQuote(entry.url)}`
}

/** The command that starts Claude Code so that it trusts `caFile`, in the platform's usual shell. */
export function claudeCodeStart(caFile: string, platform: NodeJS.Platform): string {
  return platform === 'win32'
    ? `$env:NODE_EXTRA_CA_CERTS=${powershellQuote(caFile)}; claude`
    : `NODE_EXTRA_CA_CERTS=${shellQuote(caFile)} claude`
}
