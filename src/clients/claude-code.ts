import { shellQuote } from '../lib/shell.ts'
import { fileClient, inBraces, keyHeaders } from './file-client.ts'

/** https://code.claude.com/docs/en/mcp */
export const claudeCode = fileClient({
  id: 'claude-code',
  title: 'Claude Code',
  program: 'claude',
  entry: (connection) => ({
    type: 'http',
    url: connection.url,
    ...keyHeaders(connection, inBraces),
  }),
  files: ({ inProject, inHome, join, folders: { claudeConfigDir } }) => ({
    project: inProject('.mcp.json'),
    user:
      claudeConfigDir === undefined
        ? inHome('.claude.json')
        : join(claudeConfigDir, '.claude.json'),
  }),
  shownFile: '.mcp.json',
  command(connection) {
    const { name, url } = connection
    const { headers } = keyHeaders(connection, inBraces)
    const header = headers
      ? ` --header ${shellQuote(`Authorization: ${headers.Authorization}`)}`
      : ''
    return `claude mcp add --transport http ${shellQuote(name)} ${shellQuote(url)}${header}`
  },
  next: 'Start Claude Code anew; a server of .mcp.json has to be approved there once. /mcp shows it, and logs in.',
})
