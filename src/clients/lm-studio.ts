import { fileSnippet } from './file-snippet.ts'
import { base64Link } from './install-link.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inHome } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  places: ({ name, url }) => [{ path: ['mcpServers', name], value: { url } }],
  paths: (folders) => ({ user: inHome(folders, '.lmstudio', 'mcp.json') }),
}

/** https://lmstudio.ai/docs/app/mcp. Its headers hold keys as they are, so none is written. */
export const lmStudio: McpClient = {
  id: 'lm-studio',
  title: 'LM Studio',
  dials: 'machine',
  auth: ['none'],
  trust: { variable: nodeExtraCaCerts },
  file,
  snippet: (connection) =>
    fileSnippet(file, connection, 'mcp.json (Program > Install > Edit mcp.json)'),
  links({ name, url }) {
    const link = { name, entry: { url } }
    return [
      { label: 'Add to LM Studio', url: base64Link('lmstudio://add_mcp', link) },
      {
        label: 'Add by way of lmstudio.ai',
        url: base64Link('https://lmstudio.ai/install-mcp', link),
      },
    ]
  },
  next: () => 'Switch it on in the chat, under Integrations.',
}
