import { text } from 'node:stream/consumers'
import type { TokenRow } from './token-rows.ts'

// Reads rows of tokens from its input and prints what the helper of the TypeScript examples, the
// module named by the first argument, thinks of each.
const [helper = ''] = process.argv.slice(2)
const { verifyAccessToken } = (await import(helper)) as {
  verifyAccessToken(token: string, expected: object): Promise<unknown>
}
const { rows, expected } = JSON.parse(await text(process.stdin)) as {
  rows: readonly TokenRow[]
  expected: object
}
const verdicts = rows.map(({ token, jwksUri }) =>
  verifyAccessToken(token, { ...expected, jwksUri }).then(
    () => true,
    () => false,
  ),
)
console.log(JSON.stringify(await Promise.all(verdicts)))
