import { shellQuote } from '../lib/shell.ts'
import { fileClient } from './file-client.ts'

/** https://modelcontextprotocol.io/docs/tools/inspector. A key is typed into its page. */
export const inspector = fileClient({
  id: 'inspector',
  title: 'MCP Inspector',
  auth: ['none', 'oauth'],
  program: 'npx @modelcontextprotocol/inspector',
  entry: ({ url }) => ({ type: 'streamable-http', url }),
  files: ({ inHome }) => ({ user: inHome('.mcp-inspector', 'mcp.json') }),
  shownFile: '~/.mcp-inspector/mcp.json',
  command: ({ url }) =>
    `npx @modelcontextprotocol/inspector --cli ${shellQuote(url)} --transport http --method tools/list`,
  next: 'Start the Inspector (it needs Node 22.19 or newer), and choose the server there.',
})
