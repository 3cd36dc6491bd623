import { shellQuote } from '../lib/shell-quote.ts'
import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { inHome, joinOn } from './user-folders.ts'

const file: ClientFile = {
  format: 'toml',
  places: ({ name, url, keyVariable }) => [
    {
      path: ['mcp_servers', name],
      value: { url, ...(keyVariable !== undefined && { bearer_token_env_var: keyVariable }) },
    },
  ],
  paths: (folders) => ({
    user:
      folders.codexHome === undefined
        ? inHome(folders, '.codex', 'config.toml')
        : joinOn(folders.platform, folders.codexHome, 'config.toml'),
  }),
}

/** https://developers.openai.com/codex/mcp */
export const codex: McpClient = {
  id: 'codex',
  title: 'Codex',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  // It knows nothing of NODE_EXTRA_CA_CERTS.
  trust: {
    variable: { name: 'CODEX_CA_CERTIFICATE', value: { file: 'bundle' } },
    program: 'codex',
  },
  file,
  snippet: (connection) => fileSnippet(file, connection, '~/.codex/config.toml'),
  command({ name, url, keyVariable }) {
    const key = keyVariable === undefined ? '' : ` --bearer-token-env-var ${keyVariable}`
    return `codex mcp add ${shellQuote(name)} --url ${shellQuote(url)}${key}`
  },
  next: () =>
    'Start Codex anew. Where it has to log in: codex mcp login with the name of the entry.',
}
