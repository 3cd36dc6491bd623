import { keyVariableOf } from './api-key.ts'
import { curlBody } from './curl-body.ts'
import type { McpClient } from './mcp-client.ts'

/** https://developers.openai.com/api/docs/guides/tools-remote-mcp */
export const openaiApi: McpClient = {
  id: 'openai-api',
  title: 'OpenAI Responses API',
  dials: 'cloud',
  auth: ['none', 'header'],
  snippet({ name, url, keyVariable = keyVariableOf(name) }) {
    const tool = {
      type: 'mcp',
      server_label: name,
      server_url: url,
      authorization: `$${keyVariable}`,
      require_approval: 'never',
    }
    const body = { model: '$MODEL', input: 'Which tools do you have?', tools: [tool] }
    const text = [
      'curl https://api.openai.com/v1/responses \\',
      '  -H "Authorization: Bearer $OPENAI_API_KEY" \\',
      "  -H 'Content-Type: application/json' -d " + curlBody(body),
    ].join('\n')
    return { language: 'sh', text, place: 'a terminal' }
  },
  next: ({ name, keyVariable = keyVariableOf(name) }) =>
    `Set ${keyVariable} to a key of the profile (pnpm sallyport keys create), OPENAI_API_KEY and MODEL to yours.`,
}
