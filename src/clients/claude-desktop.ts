import { bridgeEntry } from './bridge.ts'
import { claudeAi } from './claude-ai.ts'
import { fileSnippet } from './file-snippet.ts'
import { isPublicAddress } from './local-address.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inAppSettings } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  places: (connection) => [
    { path: ['mcpServers', connection.name], value: bridgeEntry(connection) },
  ],
  paths: (folders) => ({ user: inAppSettings(folders, 'Claude', 'claude_desktop_config.json') }),
}

/** Claude Desktop reaches a public address by a connector, and a local one through mcp-remote. */
export const claudeDesktop: McpClient = {
  id: 'claude-desktop',
  title: 'Claude Desktop',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: nodeExtraCaCerts, inEntry: true },
  file,
  snippet: (connection) =>
    isPublicAddress(connection.url)
      ? claudeAi.snippet(connection)
      : fileSnippet(file, connection, 'claude_desktop_config.json'),
  next: (connection) =>
    isPublicAddress(connection.url)
      ? claudeAi.next(connection)
      : 'Quit Claude Desktop altogether and start it again. The entry runs npx, so Node must be installed.',
}
