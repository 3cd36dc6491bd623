// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test
import { describe, expect, it } from 'vitest'
import { gatewayFileSchema } from '../../src/config/gateway-file-schema.ts'
import { resolveServer } from '../../src/config/resolve-server.ts'

const variables = { TOKEN: 'abc', EMPTY: '', MONEY: '$&${TOKEN}' }

/** What becomes of a text in an entry, and what is said about it. */
function expand(text: string) {
  const entry = { url: 'https://x.test', headers: { H: text } }
  const { a } = gatewayFileSchema.parse({ mcpServers: { a: entry } }).mcpServers
  if (!a) throw new Error('the entry is not read')
  const problems: string[] = []
  const report = (_path: unknown, message: string) => problems.push(message)
  const server = resolveServer('a', a, { projectDir: '/', variables, report })
  return { text: 'headers' in server && server.headers.H, problems, server }
}

describe('a variable in an entry', () => {
  it.each([
    ['plain', 'plain'],
    ['Bearer ${TOKEN}', 'Bearer abc'],
    ['${TOKEN}${TOKEN}', 'abcabc'],
    ['${NONE:-}', ''],
    ['${NONE:-https://x.test/a:b}', 'https://x.test/a:b'],
    ['${TOKEN:-other}', 'abc'],
    ['${EMPTY}', ''],
    ['${EMPTY:-other}', 'other'],
    ['${MONEY}', '$&${TOKEN}'],
    ['$TOKEN ${} ${1} ${TOKEN-x} $${', '$TOKEN ${} ${1} ${TOKEN-x} $${'],
  ])('turns %s into %s', (text, expected) => {
    expect(expand(text)).toMatchObject({ text: expected, problems: [] })
  })

  it.each([
    ['${NONE}', 'NONE is not set'],
    ['${toString}', 'toString is not set'],
    ['${NONE:-${TOKEN}}', '${NONE:-…} must not hold another'],
    ['${env:TOKEN}', 'here it is ${TOKEN}'],
    ['${input:token-1}', 'here it is ${token-1}'],
  ])('reports %s', (text, message) => {
    const { problems } = expand(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  it('reports every variable that is not set', () => {
    expect(expand('${A} ${B}').problems).toHaveLength(2)
  })

  it('tells what its references stand for', () => {
    const { server } = expand('${TOKEN}, ${NONE:-x}, ${EMPTY}, ${TOKEN:-y}')
    expect(server.variableValues).toEqual(['abc', 'abc'])
  })
})
