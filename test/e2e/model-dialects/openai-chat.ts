import type { Dialect, Turn } from './dialect.ts'

interface ChatRequest {
  readonly tools?: readonly { function: { name: string } }[]
  readonly messages?: readonly { role: string; tool_call_id?: string; content?: unknown }[]
}

const callId = 'call_1'

/** OpenAI's Chat Completions API. */
export const openaiChat: Dialect = {
  path: '/v1/chat/completions',
  read({ tools = [], messages = [] }: ChatRequest) {
    const result = messages.find(({ role }) => role === 'tool')
    return {
      tools: tools.map((tool) => tool.function.name),
      result: result?.tool_call_id === callId ? JSON.stringify(result.content) : undefined,
      called: result !== undefined,
    }
  },
  write: (turn) => completion(toMessage(turn), 'text' in turn ? 'stop' : 'tool_calls'),
}

function toMessage(turn: Turn): object {
  if ('text' in turn) return { role: 'assistant', content: turn.text, refusal: null }
  const call = { name: turn.tool, arguments: JSON.stringify(turn.input) }
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: callId, type: 'function', function: call }],
  }
}

/** A message of the model as the API wraps it. */
export function completion(message: object, finish_reason: string): object {
  return {
    id: 'chatcmpl_1',
    object: 'chat.completion',
    created: 1,
    model: 'stub',
    choices: [{ index: 0, message, finish_reason, logprobs: null }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }
}
