import { shellQuote } from '../lib/shell-quote.ts'
import { inBraces, keyHeaders } from './api-key.ts'
import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inHome, inProject } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  // `url` alone would mean the old HTTP+SSE transport.
  places: ({ name, url, keyVariable }) => [
    { path: ['mcpServers', name], value: { httpUrl: url, ...keyHeaders(keyVariable, inBraces) } },
  ],
  paths: (folders) => ({
    project: inProject(folders, '.gemini', 'settings.json'),
    user: inHome(folders, '.gemini', 'settings.json'),
  }),
}

/** https://geminicli.com/docs/tools/mcp-server */
export const geminiCli: McpClient = {
  id: 'gemini-cli',
  title: 'Gemini CLI',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: nodeExtraCaCerts, program: 'gemini' },
  file,
  snippet: (connection) => fileSnippet(file, connection, '~/.gemini/settings.json'),
  command({ name, url, keyVariable }) {
    const { headers } = keyHeaders(keyVariable, inBraces)
    const header = headers ? ` -H ${shellQuote(`Authorization: ${headers.Authorization}`)}` : ''
    return `gemini mcp add --transport http -s user ${shellQuote(name)} ${shellQuote(url)}${header}`
  },
  next: () =>
    'Start Gemini CLI anew, in a folder it trusts: elsewhere its servers are disabled. /mcp shows it, and logs in.',
}
