import { shellQuote } from '../lib/shell.ts'
import { fileClient } from './file-client.ts'

/** https://developers.openai.com/codex/mcp */
export const codex = fileClient({
  id: 'codex',
  title: 'Codex',
  // It knows nothing of NODE_EXTRA_CA_CERTS.
  trustVariable: { name: 'CODEX_CA_CERTIFICATE', file: 'bundle' },
  program: 'codex',
  format: 'toml',
  section: 'mcp_servers',
  entry: ({ url, keyVariable }) => ({
    url,
    ...(keyVariable !== undefined && { bearer_token_env_var: keyVariable }),
  }),
  files: ({ inHome, join, folders: { codexHome } }) => ({
    user: join(codexHome ?? inHome('.codex'), 'config.toml'),
  }),
  shownFile: '~/.codex/config.toml',
  command({ name, url, keyVariable }) {
    const key = keyVariable === undefined ? '' : ` --bearer-token-env-var ${keyVariable}`
    return `codex mcp add ${shellQuote(name)} --url ${shellQuote(url)}${key}`
  },
  next: 'Start Codex anew. Where it has to log in: codex mcp login with the name of the entry.',
})
