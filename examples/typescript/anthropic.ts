import Anthropic from '@anthropic-ai/sdk'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type Gateway, openGateway, requirePublic } from './shared/gateway.ts'
import { run } from './shared/run.ts'

// The Anthropic SDK, Messages API. Reads ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL.
//   node anthropic.ts [question]            this program calls the tools, so a local gateway will do
//   node anthropic.ts --hosted [question]   Anthropic calls them, so the address has to be public
const model = process.env.ANTHROPIC_MODEL ?? 'claude-sonnet-5-5'
const max_tokens = 2048
const maxRounds = 10

async function askWithLocalTools(gateway: Gateway, question: string): Promise<string> {
  const anthropic = new Anthropic()
  const mcp = new Client(
    { name: 'sallyport-example-anthropic', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  )
  await mcp.connect(new StreamableHTTPClientTransport(gateway.url, { fetch: gateway.fetch }))
  try {
    const tools = (await mcp.listTools()).tools.map(({ name, description, inputSchema }) => ({
      name,
      description: description ?? '',
      input_schema: inputSchema as Anthropic.Tool.InputSchema,
    }))
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: question }]
    for (let round = 0; round < maxRounds; round += 1) {
      const { content } = await anthropic.messages.create({ model, max_tokens, tools, messages })
      const calls = content.filter((block) => block.type === 'tool_use')
      if (calls.length === 0) return textOf(content)
      const results: Anthropic.ToolResultBlockParam[] = []
      for (const { id, name, input } of calls) {
        const result = await mcp.callTool({ name, arguments: input as Record<string, unknown> })
        results.push({
          type: 'tool_result',
          tool_use_id: id,
          content: JSON.stringify(result.content),
          is_error: result.isError ?? false,
        })
      }
      messages.push({ role: 'assistant', content }, { role: 'user', content: results })
    }
    throw new Error(`The model still wanted tools after ${maxRounds} rounds.`)
  } finally {
    await mcp.close()
  }
}

async function askWithHostedTools(gateway: Gateway, question: string): Promise<string> {
  requirePublic(gateway, 'Anthropic')
  const authorization_token = await gateway.accessToken()
  const { content } = await new Anthropic().beta.messages.create({
    model,
    max_tokens,
    betas: ['mcp-client-2025-11-20'],
    messages: [{ role: 'user', content: question }],
    mcp_servers: [
      {
        type: 'url',
        name: 'sallyport',
        url: gateway.url.href,
        ...(authorization_token && { authorization_token }),
      },
    ],
    tools: [{ type: 'mcp_toolset', mcp_server_name: 'sallyport' }],
  })
  return textOf(content)
}

function textOf(content: readonly { type: string; text?: unknown }[]): string {
  return content.map(({ type, text }) => (type === 'text' ? String(text) : '')).join('')
}

await run(async () => {
  const [first, ...rest] = process.argv.slice(2)
  const hosted = first === '--hosted'
  const question = (hosted ? rest[0] : first) ?? 'Who am I, according to sallyport?'
  const ask = hosted ? askWithHostedTools : askWithLocalTools
  console.log(await ask(openGateway(), question))
})
