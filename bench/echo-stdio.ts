import { createInterface } from 'node:readline'
import { echoAnswer } from './echo-answer.ts'

// The same server over stdio.
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.id === undefined) return
  process.stdout.write(`${JSON.stringify(echoAnswer(message))}\n`)
})
