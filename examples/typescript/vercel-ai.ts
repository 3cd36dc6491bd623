import { createMCPClient } from '@ai-sdk/mcp'
import { openai } from '@ai-sdk/openai'
import { generateText, isStepCount } from 'ai'
import { openGateway } from './shared/gateway.ts'
import { run } from './shared/run.ts'

// The Vercel AI SDK with a model of OpenAI's. Reads OPENAI_API_KEY and OPENAI_BASE_URL.
//   node vercel-ai.ts [question]
const model = process.env.OPENAI_MODEL ?? 'gpt-5-mini'

await run(async () => {
  const question = process.argv[2] ?? 'Who am I, according to sallyport?'
  const gateway = openGateway()
  const mcp = await createMCPClient({
    transport: { type: 'http', url: gateway.url.href, fetch: gateway.fetch },
  })
  try {
    const { text } = await generateText({
      model: openai(model),
      tools: await mcp.tools(),
      stopWhen: isStepCount(10),
      prompt: question,
    })
    console.log(text)
  } finally {
    await mcp.close()
  }
})
