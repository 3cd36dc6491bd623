import { fileClient, inEnvBraces, keyHeaders } from './file-client.ts'

/** https://docs.windsurf.com/windsurf/cascade/mcp */
export const windsurf = fileClient({
  id: 'windsurf',
  title: 'Windsurf',
  program: 'windsurf',
  // Older builds know `serverUrl` only.
  entry: (connection) => ({ serverUrl: connection.url, ...keyHeaders(connection, inEnvBraces) }),
  files: ({ inHome }) => ({ user: inHome('.codeium', 'windsurf', 'mcp_config.json') }),
  shownFile: '~/.codeium/windsurf/mcp_config.json',
  next: 'Press the refresh button of the MCP servers in the Cascade panel.',
})
