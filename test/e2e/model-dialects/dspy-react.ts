import type { Dialect } from './dialect.ts'
import { completion } from './openai-chat.ts'

interface PromptRequest {
  readonly messages?: readonly { role: string; content: string }[]
}

/** DSPy's `ReAct` over Chat Completions: tools, calls and answers are fields in the text. */
export const dspyReact: Dialect = {
  path: '/v1/chat/completions',
  speaks: (body: PromptRequest) => promptOf(body).includes('[[ ## '),
  read(body: PromptRequest) {
    const prompt = promptOf(body)
    const named = [...prompt.matchAll(/^ *\(\d+\) (\w+)/gm)].map((match) => match[1] ?? '')
    const tools = named.filter((name) => name !== 'finish')
    const observed =
      /\[\[ ## observation_0 ## \]\]\n([\s\S]*?)(?=\n\[\[ ## |\n\nRespond with)/.exec(prompt)?.[1]
    const failed = observed === undefined || observed.startsWith('Execution error')
    return { tools, result: failed ? undefined : observed, called: observed !== undefined }
  },
  write(turn, body: PromptRequest) {
    const thought = { next_thought: 'The tool knows.' }
    if ('tool' in turn) {
      const args = JSON.stringify(turn.input)
      return toMessage({ ...thought, next_tool_name: turn.tool, next_tool_args: args })
    }
    // The first text ends the calls, the next one is asked for as the answer.
    const ending = { ...thought, next_tool_name: 'finish', next_tool_args: '{}' }
    const asksForTool = promptOf(body).includes('[[ ## next_tool_name ## ]]')
    return toMessage(asksForTool ? ending : { reasoning: 'As observed.', answer: turn.text })
  },
}

function promptOf({ messages = [] }: PromptRequest): string {
  return messages.map(({ content }) => String(content)).join('\n')
}

function toMessage(fields: Record<string, string>): object {
  const written = Object.entries({ ...fields, completed: '' })
  const content = written.map(([name, value]) => `[[ ## ${name} ## ]]\n${value}\n`).join('\n')
  return completion({ role: 'assistant', content }, 'stop')
}
