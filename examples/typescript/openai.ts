import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import OpenAI from 'openai'
import { type Gateway, openGateway, requirePublic } from './shared/gateway.ts'
import { run } from './shared/run.ts'

// The OpenAI SDK, Responses API. Reads OPENAI_API_KEY and OPENAI_BASE_URL.
//   node openai.ts [question]            this program calls the tools, so a local gateway will do
//   node openai.ts --hosted [question]   OpenAI calls them, so the address has to be public
const model = process.env.OPENAI_MODEL ?? 'gpt-5-mini'
const maxRounds = 10

async function askWithLocalTools(gateway: Gateway, question: string): Promise<string> {
  const openai = new OpenAI()
  const mcp = new Client(
    { name: 'sallyport-example-openai', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  )
  await mcp.connect(new StreamableHTTPClientTransport(gateway.url, { fetch: gateway.fetch }))
  try {
    const tools = (await mcp.listTools()).tools.map(({ name, description, inputSchema }) => ({
      type: 'function' as const,
      name,
      description: description ?? '',
      parameters: inputSchema,
      strict: false,
    }))
    let response = await openai.responses.create({ model, tools, input: question })
    for (let round = 0; round < maxRounds; round += 1) {
      const calls = response.output.filter((item) => item.type === 'function_call')
      if (calls.length === 0) return response.output_text
      const input: OpenAI.Responses.ResponseInput = []
      for (const { name, arguments: json, call_id } of calls) {
        const { content } = await mcp.callTool({ name, arguments: JSON.parse(json) })
        input.push({ type: 'function_call_output', call_id, output: JSON.stringify(content) })
      }
      const previous_response_id = response.id
      response = await openai.responses.create({ model, tools, input, previous_response_id })
    }
    throw new Error(`The model still wanted tools after ${maxRounds} rounds.`)
  } finally {
    await mcp.close()
  }
}

async function askWithHostedTools(gateway: Gateway, question: string): Promise<string> {
  requirePublic(gateway, 'OpenAI')
  const authorization = await gateway.accessToken()
  const response = await new OpenAI().responses.create({
    model,
    input: question,
    tools: [
      {
        type: 'mcp',
        server_label: 'sallyport',
        server_url: gateway.url.href,
        ...(authorization && { authorization }),
        require_approval: 'never',
      },
    ],
  })
  return response.output_text
}

await run(async () => {
  const [first, ...rest] = process.argv.slice(2)
  const hosted = first === '--hosted'
  const question = (hosted ? rest[0] : first) ?? 'Who am I, according to sallyport?'
  const ask = hosted ? askWithHostedTools : askWithLocalTools
  console.log(await ask(openGateway(), question))
})
