// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test
import { describe, expect, it } from 'vitest'
import { expandVariables } from '../../src/config/resolve-server.ts'

const variables = { TOKEN: 'abc', EMPTY: '', MONEY: '$&${TOKEN}' }

describe('expandVariables', () => {
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
    expect(expandVariables(text, variables)).toMatchObject({ text: expected, problems: [] })
  })

  it.each([
    ['${NONE}', 'NONE is not set'],
    ['${toString}', 'toString is not set'],
    ['${NONE:-${TOKEN}}', '${NONE:-…} must not hold another'],
    ['${env:TOKEN}', 'here it is ${TOKEN}'],
    ['${input:token-1}', 'here it is ${token-1}'],
  ])('reports %s', (text, message) => {
    const { problems } = expandVariables(text, variables)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  it('reports every variable that is not set', () => {
    expect(expandVariables('${A} ${B}', variables).problems).toHaveLength(2)
  })

  it('tells what its references stand for', () => {
    const { values } = expandVariables('${TOKEN}, ${NONE:-x}, ${EMPTY}, ${TOKEN:-y}', variables)
    expect(values).toEqual(['abc', 'abc'])
  })
})
