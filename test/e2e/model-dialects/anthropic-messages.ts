import type { Dialect, ServerSentEvent, Turn } from './dialect.ts'

interface MessagesRequest {
  readonly stream?: boolean
  readonly tools?: readonly { name: string }[]
  readonly messages?: readonly {
    content: string | readonly { type: string; is_error?: boolean }[]
  }[]
}

/** Anthropic's Messages API. */
export const anthropicMessages: Dialect = {
  path: '/v1/messages',
  read({ stream, tools = [], messages = [] }: MessagesRequest) {
    const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    const result = blocks.find(({ type }) => type === 'tool_result')
    return {
      stream,
      tools: tools.map(({ name }) => name),
      result: result && !result.is_error ? JSON.stringify(result) : undefined,
      called: result !== undefined,
    }
  },
  write: (turn) => message(toBlock(turn)),
  stream: (turn) => events(toBlock(turn)),
}

type Block =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: object }

function toBlock(turn: Turn): Block {
  return 'text' in turn
    ? { type: 'text', text: turn.text }
    : { type: 'tool_use', id: 'toolu_1', name: turn.tool, input: turn.input }
}

const usage = { input_tokens: 1, output_tokens: 1 }
const stopReason = (block: Block) => (block.type === 'text' ? 'end_turn' : 'tool_use')

function message(block: Block): object {
  const head = { id: 'msg_1', type: 'message', role: 'assistant', model: 'stub', usage }
  return { ...head, content: [block], stop_reason: stopReason(block), stop_sequence: null }
}

function events(block: Block): ServerSentEvent[] {
  const isText = block.type === 'text'
  const start = isText ? { type: 'text', text: '' } : { ...block, input: {} }
  const delta = isText
    ? { type: 'text_delta', text: block.text }
    : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
  const event = (type: string, data: object = {}) => ({ type, data: { type, ...data } })
  return [
    event('message_start', { message: { ...message(block), content: [], stop_reason: null } }),
    event('content_block_start', { index: 0, content_block: start }),
    event('content_block_delta', { index: 0, delta }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: stopReason(block), stop_sequence: null },
      usage,
    }),
    event('message_stop'),
  ]
}
