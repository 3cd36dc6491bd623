import { Server } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { wait } from '../lib/clock.ts'
import { callerMetaKey } from '../mcp/wire/protocol.ts'

/**
 * The bundled server: something real to call on the first run, and a way to see what the gateway
 * knows of whoever calls. An ordinary stdio server of both protocol eras.
 */
serveStdio(createWelcomeServer)

const guide = `You are talking to Sallyport, which put this MCP server behind an HTTPS address.

Add your own servers to "mcpServers" in its configuration file, config/gateway.json unless it was
started with another: each entry is what you would write in a client's own configuration. The file is
watched, so your client sees the new tools at once.`

const unknownCaller = {
  note: 'Nobody said who calls: either no gateway stands between, or it was not told to say ("forwardCaller": true in the entry of this server).',
}

const tools = [
  {
    name: 'echo',
    title: 'Echo',
    description: 'Answers with the text it was given.',
    inputSchema: {
      type: 'object',
      properties: { text: { type: 'string', description: 'What to say back.' } },
      required: ['text'],
    },
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  },
  {
    name: 'whoami',
    title: 'Who am I',
    description:
      'Tells what the gateway knows of the caller: profile, origin, protocol revision, client.',
    inputSchema: { type: 'object', properties: {} },
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  },
  {
    name: 'countdown',
    title: 'Countdown',
    description: 'Counts down to zero, one step a second, and reports progress on the way.',
    inputSchema: {
      type: 'object',
      properties: {
        from: { type: 'integer', minimum: 1, maximum: 60, default: 3 },
        stepMs: { type: 'integer', minimum: 1, maximum: 10_000, default: 1000 },
      },
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
] as const

function createWelcomeServer(): Server {
  const server = new Server(
    { name: 'sallyport-welcome', title: 'Welcome to Sallyport', version: '1.0.0' },
    { capabilities: { tools: {}, resources: {}, prompts: {} } },
  )
  server.setRequestHandler('tools/list', async () => ({ tools: structuredClone(tools) as never }))
  server.setRequestHandler('tools/call', async ({ params }, ctx) => {
    const args = params.arguments ?? {}
    switch (params.name) {
      case 'echo':
        return text(String(args.text ?? ''))
      case 'whoami': {
        const caller = ctx.mcpReq._meta?.[callerMetaKey] ?? unknownCaller
        return { ...text(JSON.stringify(caller, null, 2)), structuredContent: caller as never }
      }
      case 'countdown':
        return countdown(Number(args.from ?? 3), Number(args.stepMs ?? 1000), {
          signal: ctx.mcpReq.signal,
          async report(progress, total) {
            const progressToken = ctx.mcpReq._meta?.progressToken
            if (progressToken === undefined) return
            const message = progress === total ? 'Lift-off' : `${total - progress} to go`
            await ctx.mcpReq.notify({
              method: 'notifications/progress',
              params: { progressToken, progress, total, message },
            })
          },
        })
      default:
        return { ...text(`There is no tool "${params.name}".`), isError: true }
    }
  })
  server.setRequestHandler('resources/list', async () => ({
    resources: [
      { uri: 'sallyport://guide', name: 'guide', title: 'First steps', mimeType: 'text/plain' },
    ],
  }))
  server.setRequestHandler('resources/read', async ({ params }) => ({
    contents: [{ uri: params.uri, mimeType: 'text/plain', text: guide }],
  }))
  server.setRequestHandler('prompts/list', async () => ({
    prompts: [
      { name: 'tour', title: 'A short tour', description: 'Shows what is reachable here.' },
    ],
  }))
  server.setRequestHandler('prompts/get', async () => ({
    messages: [
      {
        role: 'user' as const,
        content: {
          type: 'text' as const,
          text: 'Call the whoami tool, then list every tool you can reach here, grouped by server.',
        },
      },
    ],
  }))
  return server
}

async function countdown(
  from: number,
  stepMs: number,
  options: { signal: AbortSignal; report: (progress: number, total: number) => Promise<void> },
) {
  for (let done = 0; done <= from; done += 1) {
    await options.report(done, from)
    if (done < from) await wait(stepMs, options.signal)
  }
  return text(`Counted down from ${from}.`)
}

function text(value: string) {
  return { content: [{ type: 'text' as const, text: value }] }
}
