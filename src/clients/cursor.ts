import { inEnvBraces, keyHeaders } from './api-key.ts'
import { fileSnippet } from './file-snippet.ts'
import { base64Link } from './install-link.ts'
import type { ClientConnection, ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inHome, inProject } from './user-folders.ts'

const entryOf = ({ url, keyVariable }: ClientConnection) => ({
  url,
  ...keyHeaders(keyVariable, inEnvBraces),
})

const file: ClientFile = {
  format: 'json',
  places: (connection) => [{ path: ['mcpServers', connection.name], value: entryOf(connection) }],
  paths: (folders) => ({
    project: inProject(folders, '.cursor', 'mcp.json'),
    user: inHome(folders, '.cursor', 'mcp.json'),
  }),
}

/** https://cursor.com/docs/mcp, https://cursor.com/docs/mcp/install-links */
export const cursor: McpClient = {
  id: 'cursor',
  title: 'Cursor',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: nodeExtraCaCerts, program: 'cursor' },
  file,
  snippet: (connection) => fileSnippet(file, connection, '~/.cursor/mcp.json'),
  links: (connection) => [
    {
      label: 'Add to Cursor',
      url: base64Link('cursor://anysphere.cursor-deeplink/mcp/install', {
        name: connection.name,
        entry: entryOf(connection),
      }),
    },
  ],
  next: () => 'Switch it on in Cursor under Settings > MCP.',
}
