import type { Dialect } from './dialect.ts'

interface ResponsesRequest {
  readonly tools?: readonly { type: string; name: string }[]
  readonly input?: string | readonly { type?: string; call_id?: string; output?: unknown }[]
}

const callId = 'call_1'

/** OpenAI's Responses API. */
export const openaiResponses: Dialect = {
  path: '/v1/responses',
  read({ tools = [], input = [] }: ResponsesRequest) {
    const items = typeof input === 'string' ? [] : input
    const result = items.find(({ type }) => type === 'function_call_output')
    return {
      tools: tools.filter(({ type }) => type === 'function').map(({ name }) => name),
      result: result?.call_id === callId ? JSON.stringify(result.output) : undefined,
      called: result !== undefined,
    }
  },
  write: (turn) => ({
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'stub',
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: false,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    output: [
      'text' in turn
        ? {
            type: 'message',
            id: 'msg_1',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text: turn.text, annotations: [], logprobs: [] }],
          }
        : {
            type: 'function_call',
            id: 'fc_1',
            call_id: callId,
            name: turn.tool,
            arguments: JSON.stringify(turn.input),
            status: 'completed',
          },
    ],
    usage: {
      input_tokens: 1,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 1,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 2,
    },
  }),
}
