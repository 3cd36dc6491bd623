import { shellQuote } from '../lib/shell-quote.ts'
import { inBraces, keyHeaders } from './api-key.ts'
import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inHome, inProject, joinOn } from './user-folders.ts'

const file: ClientFile = {
  format: 'json',
  places: ({ name, url, keyVariable }) => [
    {
      path: ['mcpServers', name],
      value: { type: 'http', url, ...keyHeaders(keyVariable, inBraces) },
    },
  ],
  paths: (folders) => ({
    project: inProject(folders, '.mcp.json'),
    user:
      folders.claudeConfigDir === undefined
        ? inHome(folders, '.claude.json')
        : joinOn(folders.platform, folders.claudeConfigDir, '.claude.json'),
  }),
}

/** https://code.claude.com/docs/en/mcp */
export const claudeCode: McpClient = {
  id: 'claude-code',
  title: 'Claude Code',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: nodeExtraCaCerts, program: 'claude' },
  file,
  snippet: (connection) => fileSnippet(file, connection, '.mcp.json'),
  command({ name, url, keyVariable }) {
    const { headers } = keyHeaders(keyVariable, inBraces)
    const header = headers
      ? ` --header ${shellQuote(`Authorization: ${headers.Authorization}`)}`
      : ''
    return `claude mcp add --transport http ${shellQuote(name)} ${shellQuote(url)}${header}`
  },
  next: () =>
    'Start Claude Code anew; a server of .mcp.json has to be approved there once. /mcp shows it, and logs in.',
}
