import { type ClientConnection, keyVariableOf, type McpClient } from './mcp-client.ts'

/** https://developers.openai.com/api/docs/guides/tools-remote-mcp */
export const openaiApi = modelApi({
  id: 'openai-api',
  title: 'OpenAI Responses API',
  accountKey: 'OPENAI_API_KEY',
  request: [
    'curl https://api.openai.com/v1/responses \\',
    '  -H "Authorization: Bearer $OPENAI_API_KEY" \\',
    "  -H 'Content-Type: application/json'",
  ],
  body: ({ name, url }, key) => ({
    model: '$MODEL',
    input: 'Which tools do you have?',
    tools: [
      {
        type: 'mcp',
        server_label: name,
        server_url: url,
        authorization: `$${key}`,
        require_approval: 'never',
      },
    ],
  }),
})

/** https://platform.claude.com/docs/en/agents-and-tools/mcp-connector */
export const anthropicApi = modelApi({
  id: 'anthropic-api',
  title: 'Anthropic Messages API',
  accountKey: 'ANTHROPIC_API_KEY',
  request: [
    'curl https://api.anthropic.com/v1/messages \\',
    '  -H "x-api-key: $ANTHROPIC_API_KEY" \\',
    "  -H 'anthropic-version: 2023-06-01' -H 'anthropic-beta: mcp-client-2025-11-20' \\",
    "  -H 'content-type: application/json'",
  ],
  body: ({ name, url }, key) => ({
    model: '$MODEL',
    max_tokens: 1000,
    messages: [{ role: 'user', content: 'Which tools do you have?' }],
    mcp_servers: [{ type: 'url', url, name, authorization_token: `$${key}` }],
    tools: [{ type: 'mcp_toolset', mcp_server_name: name }],
  }),
})

/** A maker's API that is told of the endpoint in each request; the snippet is one, for a terminal. */
function modelApi(api: {
  id: string
  title: string
  /** The variable of the user's own key for that API. */
  accountKey: string
  /** The lines before the body. */
  request: readonly string[]
  body(connection: ClientConnection, keyVariable: string): object
}): McpClient {
  const keyOf = ({ name, keyVariable }: ClientConnection) => keyVariable ?? keyVariableOf(name)
  return {
    id: api.id,
    title: api.title,
    dials: 'cloud',
    auth: ['none', 'header'],
    snippet: (connection) => ({
      language: 'sh',
      text: `${api.request.join('\n')} -d ${curlBody(api.body(connection, keyOf(connection)))}`,
      place: 'a terminal',
    }),
    next: (connection) =>
      `Set ${keyOf(connection)} to a key of the profile (pnpm sallyport keys create), ${api.accountKey} and MODEL to yours.`,
  }
}

/**
 * A JSON body as one argument of a POSIX shell, in which texts such as `$NAME` are filled in from
 * the environment. Unlike a here-document it may be indented when it is pasted.
 */
function curlBody(body: object): string {
  const quoted = JSON.stringify(body, null, 2).replaceAll("'", `'\\''`)
  return `'${quoted.replace(/"(\$[A-Z][A-Z0-9_]*)"/g, `"'"$1"'"`)}'`
}
