import { shellQuote } from '../lib/shell.ts'
import { fileClient, inBraces, keyHeaders } from './file-client.ts'

/** https://geminicli.com/docs/tools/mcp-server */
export const geminiCli = fileClient({
  id: 'gemini-cli',
  title: 'Gemini CLI',
  program: 'gemini',
  // `url` alone would mean the old HTTP+SSE transport.
  entry: (connection) => ({ httpUrl: connection.url, ...keyHeaders(connection, inBraces) }),
  files: ({ inProject, inHome }) => ({
    project: inProject('.gemini', 'settings.json'),
    user: inHome('.gemini', 'settings.json'),
  }),
  shownFile: '~/.gemini/settings.json',
  command(connection) {
    const { name, url } = connection
    const { headers } = keyHeaders(connection, inBraces)
    const header = headers ? ` -H ${shellQuote(`Authorization: ${headers.Authorization}`)}` : ''
    return `gemini mcp add --transport http -s user ${shellQuote(name)} ${shellQuote(url)}${header}`
  },
  next: 'Start Gemini CLI anew, in a folder it trusts: elsewhere its servers are disabled. /mcp shows it, and logs in.',
})
