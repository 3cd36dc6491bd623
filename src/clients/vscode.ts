import { shellQuote } from '../lib/shell-quote.ts'
import { fileSnippet } from './file-snippet.ts'
import { jsonLink } from './install-link.ts'
import type { ClientConnection, ClientFile, McpClient } from './mcp-client.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'
import { inAppSettings, inProject } from './user-folders.ts'

// VS Code asks for the key once and keeps it in its own store, under this name.
const inputId = (name: string) => `${name}-key`

const entryOf = ({ name, url, keyVariable }: ClientConnection) => ({
  type: 'http',
  url,
  ...(keyVariable !== undefined && {
    headers: { Authorization: `Bearer \${input:${inputId(name)}}` },
  }),
})

const file: ClientFile = {
  format: 'json',
  places(connection) {
    const { name, keyVariable } = connection
    const server = { path: ['servers', name], value: entryOf(connection) }
    if (keyVariable === undefined) return [server]
    const id = inputId(name)
    const value = { type: 'promptString', id, description: `API key for ${name}`, password: true }
    return [{ path: ['inputs', { id }], value }, server]
  },
  paths: (folders) => ({
    project: inProject(folders, '.vscode', 'mcp.json'),
    user: inAppSettings(folders, 'Code', 'User', 'mcp.json'),
  }),
}

/** https://code.visualstudio.com/docs/copilot/reference/mcp-configuration */
export const vscode: McpClient = {
  id: 'vscode',
  title: 'VS Code',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: nodeExtraCaCerts, program: 'code' },
  file,
  snippet: (connection) => fileSnippet(file, connection, '.vscode/mcp.json'),
  command: ({ name, url, keyVariable }) =>
    keyVariable === undefined
      ? `code --add-mcp ${shellQuote(JSON.stringify({ name, type: 'http', url }))}`
      : undefined,
  links({ name, url, keyVariable }) {
    if (keyVariable !== undefined) return []
    const entry = { type: 'http', url }
    const whole = encodeURIComponent(JSON.stringify({ name, ...entry }))
    return [
      { label: 'Add to VS Code', url: `vscode:mcp/install?${whole}` },
      {
        label: 'Add by way of vscode.dev',
        url: jsonLink('https://vscode.dev/redirect/mcp/install', { name, entry }),
      },
    ]
  },
  next: () => 'Start it with the command "MCP: List Servers", and trust it when VS Code asks.',
}
