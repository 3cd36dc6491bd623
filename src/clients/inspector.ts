import { shellQuote } from '../lib/shell-quote.ts'
import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inHome } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  places: ({ name, url }) => [
    { path: ['mcpServers', name], value: { type: 'streamable-http', url } },
  ],
  paths: (folders) => ({ user: inHome(folders, '.mcp-inspector', 'mcp.json') }),
}

/** https://modelcontextprotocol.io/docs/tools/inspector. A key is typed into its page. */
export const inspector: McpClient = {
  id: 'inspector',
  title: 'MCP Inspector',
  dials: 'machine',
  auth: ['none', 'oauth'],
  trust: { variable: nodeExtraCaCerts, program: 'npx @modelcontextprotocol/inspector' },
  file,
  snippet: (connection) => fileSnippet(file, connection, '~/.mcp-inspector/mcp.json'),
  command: ({ url }) =>
    `npx @modelcontextprotocol/inspector --cli ${shellQuote(url)} --transport http --method tools/list`,
  next: () => 'Start the Inspector (it needs Node 22.19 or newer), and choose the server there.',
}
