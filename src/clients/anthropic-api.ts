import { keyVariableOf } from './api-key.ts'
import { curlBody } from './curl-body.ts'
import type { McpClient } from './mcp-client.ts'

/** https://platform.claude.com/docs/en/agents-and-tools/mcp-connector */
export const anthropicApi: McpClient = {
  id: 'anthropic-api',
  title: 'Anthropic Messages API',
  dials: 'cloud',
  auth: ['none', 'header'],
  snippet({ name, url, keyVariable = keyVariableOf(name) }) {
    const body = {
      model: '$MODEL',
      max_tokens: 1000,
      messages: [{ role: 'user', content: 'Which tools do you have?' }],
      mcp_servers: [{ type: 'url', url, name, authorization_token: `$${keyVariable}` }],
      tools: [{ type: 'mcp_toolset', mcp_server_name: name }],
    }
    const text = [
      'curl https://api.anthropic.com/v1/messages \\',
      '  -H "x-api-key: $ANTHROPIC_API_KEY" \\',
      "  -H 'anthropic-version: 2023-06-01' -H 'anthropic-beta: mcp-client-2025-11-20' \\",
      "  -H 'content-type: application/json' -d " + curlBody(body),
    ].join('\n')
    return { language: 'sh', text, place: 'a terminal' }
  },
  next: ({ name, keyVariable = keyVariableOf(name) }) =>
    `Set ${keyVariable} to a key of the profile (pnpm sallyport keys create), ANTHROPIC_API_KEY and MODEL to yours.`,
}
