import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { openGateway } from './shared/gateway.ts'
import { run } from './shared/run.ts'

// The MCP SDK by itself, without a model: lists the tools of a profile and calls one.
//   node mcp-sdk.ts [tool] [arguments as JSON]
await run(async () => {
  const [tool = 'whoami', json = '{}'] = process.argv.slice(2)
  const gateway = openGateway()
  const mcp = new Client(
    { name: 'sallyport-example-mcp-sdk', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  )
  await mcp.connect(new StreamableHTTPClientTransport(gateway.url, { fetch: gateway.fetch }))
  try {
    const { tools } = await mcp.listTools()
    console.log(`Tools: ${tools.map(({ name }) => name).join(', ')}`)
    const result = await mcp.callTool({ name: tool, arguments: JSON.parse(json) })
    for (const block of result.content) console.log(block.type === 'text' ? block.text : block)
  } finally {
    await mcp.close()
  }
})
