import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** In place of the model: asks for one tool as soon as it is offered, then says it is done. */
export interface ModelStub {
  readonly url: string
  /** Names of the tools it was offered. */
  offered(): readonly string[]
  /** What the client says the tool answered, as it came; empty when it says that it failed. */
  toolAnswer(): string
  close(): Promise<void>
}

interface MessagesRequest {
  readonly stream?: boolean
  readonly tools?: readonly { name: string }[]
  readonly messages?: readonly {
    content: string | readonly { type: string; is_error?: boolean }[]
  }[]
}

type Block =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: object }

export async function startModelStub(call: { tool: string; input: object }): Promise<ModelStub> {
  let offered: string[] = []
  let toolAnswer = ''

  function answer({ tools = [], messages = [] }: MessagesRequest): Block {
    const names = tools.map(({ name }) => name)
    if (names.length > offered.length) offered = names
    const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    const result = blocks.find(({ type }) => type === 'tool_result')
    if (result && !result.is_error) toolAnswer = JSON.stringify(result)
    if (result || !names.includes(call.tool)) return { type: 'text', text: 'Done.' }
    return { type: 'tool_use', id: 'toolu_1', name: call.tool, input: call.input }
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (!request.url?.startsWith('/v1/messages?') && request.url !== '/v1/messages') {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
      return
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as MessagesRequest
    const block = answer(body)
    if (body.stream) stream(response, block)
    else {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(message(block)))
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

const usage = { input_tokens: 1, output_tokens: 1 }
const stopReason = (block: Block) => (block.type === 'text' ? 'end_turn' : 'tool_use')

function message(block: Block): object {
  const head = { id: 'msg_1', type: 'message', role: 'assistant', model: 'stub', usage }
  return { ...head, content: [block], stop_reason: stopReason(block), stop_sequence: null }
}

/** The same as server-sent events. */
function stream(response: ServerResponse, block: Block): void {
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  send('message_start', { message: { ...message(block), content: [], stop_reason: null } })
  const isText = block.type === 'text'
  const start = isText ? { type: 'text', text: '' } : { ...block, input: {} }
  const delta = isText
    ? { type: 'text_delta', text: block.text }
    : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
  send('content_block_start', { index: 0, content_block: start })
  send('content_block_delta', { index: 0, delta })
  send('content_block_stop', { index: 0 })
  send('message_delta', { delta: { stop_reason: stopReason(block), stop_sequence: null }, usage })
  send('message_stop', {})
  response.end()
}
