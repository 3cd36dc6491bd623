import { fileClient, inEnvBraces, installLink, keyHeaders } from './file-client.ts'
import type { ClientConnection } from './mcp-client.ts'

const entry = (connection: ClientConnection) => ({
  url: connection.url,
  ...keyHeaders(connection, inEnvBraces),
})

/** https://cursor.com/docs/mcp, https://cursor.com/docs/mcp/install-links */
export const cursor = fileClient({
  id: 'cursor',
  title: 'Cursor',
  program: 'cursor',
  entry,
  files: ({ inProject, inHome }) => ({
    project: inProject('.cursor', 'mcp.json'),
    user: inHome('.cursor', 'mcp.json'),
  }),
  shownFile: '~/.cursor/mcp.json',
  links(connection) {
    const link = { name: connection.name, value: entry(connection) }
    const url = installLink('cursor://anysphere.cursor-deeplink/mcp/install', link, 'base64')
    return [{ label: 'Add to Cursor', url }]
  },
  next: 'Switch it on in Cursor under Settings > MCP.',
})
