import type { McpClient } from './mcp-client.ts'

/** https://developers.openai.com/plugins/build/auth */
export const chatgpt: McpClient = {
  id: 'chatgpt',
  title: 'ChatGPT',
  dials: 'cloud',
  auth: ['none', 'oauth'],
  snippet: ({ url }) => ({
    language: 'text',
    text: url,
    place: 'Settings > Connectors > Advanced > Developer mode > Create',
  }),
  next: () => 'Choose OAuth there, and allow it on the page that opens.',
}
