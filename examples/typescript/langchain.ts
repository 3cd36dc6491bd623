import { loadMcpTools } from '@langchain/mcp-adapters'
import { ChatOpenAI } from '@langchain/openai'
// The adapters are made for the SDK of this generation.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createAgent } from 'langchain'
import { openGateway } from './shared/gateway.ts'
import { run } from './shared/run.ts'

// LangChain with a model of OpenAI's. Reads OPENAI_API_KEY and OPENAI_BASE_URL.
//   node langchain.ts [question]
const model = process.env.OPENAI_MODEL ?? 'gpt-5-mini'

await run(async () => {
  const question = process.argv[2] ?? 'Who am I, according to sallyport?'
  const gateway = openGateway()
  const mcp = new Client({ name: 'sallyport-example-langchain', version: '1.0.0' })
  await mcp.connect(new StreamableHTTPClientTransport(gateway.url, { fetch: gateway.fetch }))
  try {
    const tools = await loadMcpTools('sallyport', mcp)
    const agent = createAgent({ model: new ChatOpenAI({ model }), tools })
    const { messages } = await agent.invoke(
      { messages: [{ role: 'user', content: question }] },
      { recursionLimit: 20 },
    )
    console.log(messages.at(-1)?.text)
  } finally {
    await mcp.close()
  }
})
