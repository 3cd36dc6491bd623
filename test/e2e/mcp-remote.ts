import { mkdir } from 'node:fs/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { OAuthClient, ServerToUse } from './oauth-client.ts'

/** mcp-remote, as an application that knows stdio only starts it. */
export function mcpRemote(bin: string, home: string): OAuthClient {
  return {
    name: 'mcp-remote',
    async use(server) {
      await mkdir(home, { recursive: true })
      const first = await withBridge({ bin, home, server }, async (client) => {
        const tools = await listNames(client)
        const { content } = await client.callTool({ name: 'echo', arguments: { text: 'hello' } })
        return { tools, echo: JSON.stringify(content) }
      })
      const again = await withBridge({ bin, home, server }, listNames)
      return { ...first, cameBack: again.length === first.tools.length }
    },
  }
}

async function listNames(client: Client): Promise<string[]> {
  return (await client.listTools()).tools.map(({ name }) => name)
}

async function withBridge<T>(
  { bin, home, server }: { bin: string; home: string; server: ServerToUse },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const transport = new StdioClientTransport({
    command: bin,
    args: [server.url],
    cwd: home,
    env: { HOME: home, ...server.environment },
    stderr: 'pipe',
  })
  let said = ''
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const client = new Client({ name: 'stdio-application', version: '1.0.0' })
  try {
    await client.connect(transport, { timeout: 25_000 })
    return await work(client)
  } catch (error) {
    throw new Error(said, { cause: error })
  } finally {
    await client.close()
  }
}
