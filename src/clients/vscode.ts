import { shellQuote } from '../lib/shell.ts'
import { fileClient, installLink } from './file-client.ts'

// VS Code asks for the key once and keeps it in its own store, under this name.
const inputId = (name: string) => `${name}-key`

/** https://code.visualstudio.com/docs/copilot/reference/mcp-configuration */
export const vscode = fileClient({
  id: 'vscode',
  title: 'VS Code',
  program: 'code',
  section: 'servers',
  entry: ({ name, url, keyVariable }) => ({
    type: 'http',
    url,
    ...(keyVariable !== undefined && {
      headers: { Authorization: `Bearer \${input:${inputId(name)}}` },
    }),
  }),
  before({ name, keyVariable }) {
    if (keyVariable === undefined) return []
    const id = inputId(name)
    const value = { type: 'promptString', id, description: `API key for ${name}`, password: true }
    return [{ path: ['inputs', { id }], value }]
  },
  files: ({ inProject, inAppSettings }) => ({
    project: inProject('.vscode', 'mcp.json'),
    user: inAppSettings('Code', 'User', 'mcp.json'),
  }),
  shownFile: '.vscode/mcp.json',
  command: ({ name, url, keyVariable }) =>
    keyVariable === undefined
      ? `code --add-mcp ${shellQuote(JSON.stringify({ name, type: 'http', url }))}`
      : undefined,
  links({ name, url, keyVariable }) {
    if (keyVariable !== undefined) return []
    const value = { type: 'http', url }
    const whole = encodeURIComponent(JSON.stringify({ name, ...value }))
    return [
      { label: 'Add to VS Code', url: `vscode:mcp/install?${whole}` },
      {
        label: 'Add by way of vscode.dev',
        url: installLink('https://vscode.dev/redirect/mcp/install', { name, value }, 'json'),
      },
    ]
  },
  next: 'Start it with the command "MCP: List Servers", and trust it when VS Code asks.',
})
