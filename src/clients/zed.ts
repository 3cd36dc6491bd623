import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { sslCertFile } from './trust-variables.ts'
import { inAppData, inConfigHome } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  places: ({ name, url }) => [{ path: ['context_servers', name], value: { url } }],
  paths: (folders) => ({
    user:
      folders.platform === 'win32'
        ? inAppData(folders, 'Zed', 'settings.json')
        : inConfigHome(folders, 'zed', 'settings.json'),
  }),
}

/** https://zed.dev/docs/ai/mcp. Its headers hold keys as they are, so none is written. */
export const zed: McpClient = {
  id: 'zed',
  title: 'Zed',
  dials: 'machine',
  auth: ['none', 'oauth'],
  trust: { variable: sslCertFile, program: 'zed' },
  file,
  snippet: (connection) => fileSnippet(file, connection, 'settings.json'),
  next: () => 'The dot beside it in the settings of the Agent Panel turns green.',
}
