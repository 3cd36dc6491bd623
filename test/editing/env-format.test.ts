import dotenv from 'dotenv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EntryMemory, putEntry, takeEntry } from '../../src/editing/edit-entry.ts'
import { envFormat, lineOfVariable } from '../../src/editing/env-format.ts'

const url = 'https://new.example'

const format = envFormat

/** Sets APP_URL, whoever wrote what stands there. */
function set(text: string, value = url, memory?: EntryMemory) {
  return putEntry(text, { path: ['APP_URL'], value }, { format, memory, force: true })
}

function changed(result: ReturnType<typeof set>) {
  if (result.state !== 'changed') throw new Error(`it is ${result.state}`)
  return result
}

const take = (text: string, memory: EntryMemory) =>
  takeEntry(text, memory, { format, force: false })

describe('a variable of an env file', () => {
  it.each([
    ['an empty file', '', `APP_URL=${url}\n`],
    ['a file without the line', 'A=1\n', `A=1\nAPP_URL=${url}\n`],
    ['no final newline', 'A=1', `A=1\nAPP_URL=${url}`],
    ['CRLF', 'A=1\r\n', `A=1\r\nAPP_URL=${url}\r\n`],
    ['CRLF without a final one', 'A=1\r\nB=2', `A=1\r\nB=2\r\nAPP_URL=${url}`],
    ['a value', 'A=1\r\nAPP_URL=http://x\r\nB=2', `A=1\r\nAPP_URL=${url}\r\nB=2`],
    ['no value', 'APP_URL=\nB=2\n', `APP_URL=${url}\nB=2\n`],
    ['export and indentation', '  export APP_URL=x\n', `  export APP_URL=${url}\n`],
    ['quotes', `APP_URL="x"\nB='"'`, `APP_URL="${url}"\nB='"'`],
    ['a comment', 'APP_URL=x # mine\n', `APP_URL=${url} # mine\n`],
    ['a comment and no value', 'APP_URL= # mine\n', `APP_URL=${url} # mine\n`],
    ['a comment that touches', 'APP_URL=#mine\n', `APP_URL=${url} #mine\n`],
    ['spaces', 'APP_URL = x\n', `APP_URL = ${url}\n`],
    ['a colon', 'APP_URL: x\n', `APP_URL: ${url}\n`],
    ['a byte order mark', '\uFEFFAPP_URL=x\n', `\uFEFFAPP_URL=${url}\n`],
    ['duplicates', 'APP_URL=a\nAPP_URL=b\n', `APP_URL=a\nAPP_URL=${url}\n`],
    ['similar names', 'X_APP_URL=a\nAPP_URLS=b\n', `X_APP_URL=a\nAPP_URLS=b\nAPP_URL=${url}\n`],
    ['a commented line', '# APP_URL=a\n', `# APP_URL=a\nAPP_URL=${url}\n`],
    ['a quoted lookalike', 'K="\nAPP_URL=a\n"\n', `K="\nAPP_URL=a\n"\nAPP_URL=${url}\n`],
  ])('changes nothing but its value: %s', (_what, text, expected) => {
    const put = changed(set(text))
    expect(put.text).toBe(expected)
    expect(dotenv.parse(put.text).APP_URL).toBe(url)
    expect(take(put.text, put.memory)).toEqual({ state: 'taken', text, exact: true })
  })

  it('is not set where quotes that are left open would swallow it', () => {
    expect(set("A='\nAPP_URL=b' c\nB='").state).toBe('impossible')
  })

  const line = fc.oneof(
    fc.constantFrom('', 'A=1', 'APP_URL=x', ' export APP_URL="y" # c', "B='q", '# APP_URL=z', 'A:'),
    fc.string({ maxLength: 12 }),
    fc.string({ unit: fc.constantFrom('A', '=', '"', "'", '`', '#', ' ', '\\', '\t', ':') }),
  )
  const file = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')))
    .chain((lines) => fc.tuple(fc.constant(lines.flat().join('')), fc.constantFrom('', 'APP_URL=')))
    .map((parts) => parts.join(''))

  it('keeps every other variable and byte, and is undone exactly', () => {
    fc.assert(
      fc.property(file, (text) => {
        const put = set(text)
        if (put.state !== 'changed') return
        const { APP_URL: now, ...others } = dotenv.parse(put.text)
        const { APP_URL: before, ...same } = dotenv.parse(text)
        expect(now).toBe(url)
        expect(others).toEqual(same)
        expect(before).not.toBe(url)
        expect(take(put.text, put.memory)).toEqual({ state: 'taken', text, exact: true })
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['a value the user changed', 'APP_URL=mine\n', { state: 'edited' }],
    ['a line the user removed', 'A=1\n', { state: 'gone' }],
    [
      'the value of before the last',
      `APP_URL=${url}\nB=1`,
      { state: 'taken', text: 'APP_URL=old\nB=1', exact: true },
    ],
    [
      'a comment the user wrote behind ours',
      'APP_URL=https://later.example # ours\n',
      { state: 'taken', text: 'APP_URL=old # ours\n', exact: true },
    ],
  ])('is known by its value: %s', (_what, text, expected) => {
    const first = changed(set('APP_URL=old\n'))
    const { memory } = changed(set(first.text, 'https://later.example', first.memory))
    expect(take(text, memory)).toEqual(expected)
  })

  it('is taken out where more was written below it', () => {
    const { text, memory } = changed(set('A=1'))
    expect(text).toBe(`A=1\nAPP_URL=${url}`)
    expect(take(`${text}\nB=2\n`, memory)).toMatchObject({ state: 'taken', text: 'A=1\nB=2\n' })
    const ended = changed(set('A=1\n'))
    expect(take(`${ended.text}B=2\n`, ended.memory)).toMatchObject({ text: 'A=1\nB=2\n' })
  })
})

it('finds the line of a variable, the last one', () => {
  expect(lineOfVariable('A=1\n\nB="\nA=3\n"\nA=2\r\nC=3', 'A')).toBe(6)
  expect(lineOfVariable('A=1', 'B')).toBeUndefined()
})
