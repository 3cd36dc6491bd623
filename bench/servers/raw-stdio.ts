import { createInterface } from 'node:readline'
import type { Era } from '../../src/mcp/wire/protocol.ts'
import { rawAnswer } from './raw-answers.ts'

// The same over stdio: node raw-stdio.ts legacy|modern
const era = process.argv[2] as Era
createInterface({ input: process.stdin }).on('line', (line) => {
  const answer = rawAnswer(era, JSON.parse(line))
  if (answer !== undefined) process.stdout.write(`${answer}\n`)
})
