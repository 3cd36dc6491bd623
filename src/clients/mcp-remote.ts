import { shellQuote } from '../lib/shell.ts'
import { inBraces } from './file-client.ts'
import type { ClientConnection, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'

/** Any program that knows stdio only, through https://www.npmjs.com/package/mcp-remote. */
export const mcpRemote: McpClient = {
  id: 'mcp-remote',
  title: 'Any stdio client, through mcp-remote',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: nodeExtraCaCerts, inEntry: true },
  snippet: (connection) => ({
    language: 'json',
    text: JSON.stringify({ mcpServers: { [connection.name]: bridgeEntry(connection) } }, null, 2),
    place: "the client's own configuration",
  }),
  command: ({ url }) => `npx -y mcp-remote ${shellQuote(url)}`,
  next: () => 'Start the client anew. The entry runs npx, so Node must be installed.',
}

/** The entry of a program that knows stdio only: mcp-remote is started, and carries every message. */
export function bridgeEntry({ url, keyVariable, caFile }: ClientConnection) {
  const header =
    keyVariable === undefined ? [] : ['--header', `Authorization:Bearer ${inBraces(keyVariable)}`]
  const insecure = url.startsWith('http:') ? ['--allow-http'] : []
  return {
    command: 'npx',
    args: ['-y', 'mcp-remote', url, ...insecure, ...header],
    ...(caFile !== undefined && { env: { NODE_EXTRA_CA_CERTS: caFile } }),
  }
}
