import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inAppSettings } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  // Without a type it would speak the old HTTP+SSE transport.
  places: ({ name, url }) => [
    {
      path: ['mcpServers', name],
      value: { type: 'streamableHttp', url, disabled: false, autoApprove: [] },
    },
  ],
  paths: (folders) => ({
    user: inAppSettings(
      folders,
      ...['Code', 'User', 'globalStorage', 'saoudrizwan.claude-dev', 'settings'],
      'cline_mcp_settings.json',
    ),
  }),
}

/** https://docs.cline.bot/mcp. Its headers hold keys as they are, so none is written. */
export const cline: McpClient = {
  id: 'cline',
  title: 'Cline',
  dials: 'machine',
  auth: ['none', 'oauth'],
  trust: { variable: nodeExtraCaCerts, program: 'code' },
  file,
  snippet: (connection) => fileSnippet(file, connection, 'cline_mcp_settings.json'),
  next: () => 'Cline takes it up by itself; MCP Servers > Configure shows it.',
}
