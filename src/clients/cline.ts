import { fileClient } from './file-client.ts'

/** https://docs.cline.bot/mcp. Its headers hold keys as they are, so none is written. */
export const cline = fileClient({
  id: 'cline',
  title: 'Cline',
  auth: ['none', 'oauth'],
  program: 'code',
  // Without a type it would speak the old HTTP+SSE transport.
  entry: ({ url }) => ({ type: 'streamableHttp', url, disabled: false, autoApprove: [] }),
  files: ({ inAppSettings, join }) => ({
    user: join(
      inAppSettings('Code', 'User', 'globalStorage', 'saoudrizwan.claude-dev'),
      ...['settings', 'cline_mcp_settings.json'],
    ),
  }),
  shownFile: 'cline_mcp_settings.json',
  next: 'Cline takes it up by itself; MCP Servers > Configure shows it.',
})
