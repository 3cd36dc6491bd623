import type { McpClient } from './mcp-client.ts'

/** Connectors of claude.ai and of Claude Desktop: https://support.claude.com/en/articles/11503834 */
export const claudeAi: McpClient = {
  id: 'claude-ai',
  title: 'claude.ai (also in Claude Desktop)',
  dials: 'cloud',
  auth: ['none', 'oauth'],
  snippet: ({ url }) => ({
    language: 'text',
    text: url,
    place: 'Settings > Connectors > Add custom connector',
  }),
  next: () => 'Connect it there, and allow it on the page that opens.',
}
