import { claudeAi } from './claude-ai.ts'
import { fileClient } from './file-client.ts'
import { isPublicAddress, type McpClient } from './mcp-client.ts'
import { bridgeEntry } from './mcp-remote.ts'

const locally = fileClient({
  id: 'claude-desktop',
  title: 'Claude Desktop',
  trustInEntry: true,
  entry: bridgeEntry,
  files: ({ inAppSettings }) => ({
    user: inAppSettings('Claude', 'claude_desktop_config.json'),
  }),
  shownFile: 'claude_desktop_config.json',
  next: 'Quit Claude Desktop altogether and start it again. The entry runs npx, so Node must be installed.',
})

/** Claude Desktop reaches a public address by a connector, and a local one through mcp-remote. */
export const claudeDesktop: McpClient = {
  ...locally,
  snippet: (connection) =>
    (isPublicAddress(connection.url) ? claudeAi : locally).snippet(connection),
  next: (connection) => (isPublicAddress(connection.url) ? claudeAi : locally).next(connection),
}
