import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { anthropicMessages } from './model-dialects/anthropic-messages.ts'
import type { Dialect, ModelRequest, Turn } from './model-dialects/dialect.ts'
import { dspyReact } from './model-dialects/dspy-react.ts'
import { openaiChat } from './model-dialects/openai-chat.ts'
import { openaiResponses } from './model-dialects/openai-responses.ts'

/** In place of the model: asks for one tool as soon as it is offered, then repeats its answer. */
export interface ModelStub {
  readonly url: string
  /** Names of the tools it was offered. */
  offered(): readonly string[]
  /** What the client says the tool answered, as it came; empty when it says that it failed. */
  toolAnswer(): string
  close(): Promise<void>
}

const dialects: readonly Dialect[] = [anthropicMessages, openaiResponses, dspyReact, openaiChat]

export async function startModelStub(call: { tool: string; input: object }): Promise<ModelStub> {
  let offered: readonly string[] = []
  let toolAnswer = ''

  function answer({ tools, result, called }: ModelRequest): Turn {
    if (tools.length > offered.length) offered = tools
    if (result !== undefined) toolAnswer = result
    if (called || !tools.includes(call.tool)) return { text: `The answer was: ${toolAnswer}` }
    return call
  }

  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0]
    const sent = await text(request)
    const there = dialects.filter((one) => one.path === path)
    const body = (there.length > 0 ? JSON.parse(sent) : undefined) as never
    const dialect = there.find((one) => one.speaks?.(body) ?? true)
    if (!dialect) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
      return
    }
    const asked = dialect.read(body)
    const turn = answer(asked)
    if (asked.stream && dialect.stream) stream(response, dialect.stream(turn))
    else {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(dialect.write(turn, body)))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    offered: () => offered,
    toolAnswer: () => toolAnswer,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function stream(response: ServerResponse, events: ReturnType<NonNullable<Dialect['stream']>>) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const { type, data } of events) {
    response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  response.end()
}
