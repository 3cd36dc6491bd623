import { inEnvBraces, keyHeaders } from './api-key.ts'
import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inHome } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  // Older builds know `serverUrl` only.
  places: ({ name, url, keyVariable }) => [
    {
      path: ['mcpServers', name],
      value: { serverUrl: url, ...keyHeaders(keyVariable, inEnvBraces) },
    },
  ],
  paths: (folders) => ({ user: inHome(folders, '.codeium', 'windsurf', 'mcp_config.json') }),
}

/** https://docs.windsurf.com/windsurf/cascade/mcp */
export const windsurf: McpClient = {
  id: 'windsurf',
  title: 'Windsurf',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: nodeExtraCaCerts, program: 'windsurf' },
  file,
  snippet: (connection) => fileSnippet(file, connection, '~/.codeium/windsurf/mcp_config.json'),
  next: () => 'Press the refresh button of the MCP servers in the Cascade panel.',
}
