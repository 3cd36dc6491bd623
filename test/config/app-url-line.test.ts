import dotenv from 'dotenv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineOfVariable, restoreAppUrlLine, setAppUrlLine } from '../../src/config/app-url-line.ts'

const url = 'https://new.example'

function set(text: string) {
  const result = setAppUrlLine(text, url)
  if (!result.ok) throw new Error('not set')
  return result
}

describe('setAppUrlLine', () => {
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
  ])('changes nothing but the line: %s', (_what, text, expected) => {
    const { text: changed, edit } = set(text)
    expect(changed).toBe(expected)
    expect(dotenv.parse(changed).APP_URL).toBe(url)
    const restored = restoreAppUrlLine(changed, { ...edit, written: [edit.written] })
    expect(restored).toEqual({ state: 'restored', text })
  })

  it('refuses a file whose open quotes would swallow the line', () => {
    expect(setAppUrlLine("A='\nAPP_URL=b' c\nB='", url)).toEqual({ ok: false })
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

  it('keeps every byte outside the line, and is undone exactly', () => {
    fc.assert(
      fc.property(file, (text) => {
        const result = setAppUrlLine(text, url)
        if (!result.ok) return
        const { before, joint, written } = result.edit
        const at = result.text.lastIndexOf(written)
        const head = result.text.slice(0, at)
        const tail = result.text.slice(at + written.length)
        if (before === null) {
          expect(head).toBe(text + joint)
          expect(tail).toMatch(/^(\r\n|\r|\n)?$/)
        } else expect(head + before + tail).toBe(text)
        const restored = restoreAppUrlLine(result.text, { before, joint, written: [written] })
        expect(restored).toEqual(
          before === written ? { state: 'unchanged' } : { state: 'restored', text },
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('restoreAppUrlLine', () => {
  const edit = { before: 'APP_URL=old', joint: '', written: ['APP_URL=a', 'APP_URL=b'] }
  const appended = { before: null, joint: '\n', written: ['APP_URL=a'] }

  it.each([
    ['a line the user changed', 'APP_URL=mine\n', edit, { state: 'edited' }],
    ['a line the user removed', 'A=1\n', edit, { state: 'edited' }],
    ['the line from before', 'APP_URL=old\n', edit, { state: 'unchanged' }],
    ['any line of ours', 'APP_URL=a\nB=1', edit, { state: 'restored', text: 'APP_URL=old\nB=1' }],
    ['an appended line that is gone', 'A=1', appended, { state: 'unchanged' }],
    [
      'an appended line with more below it',
      'A=1\nAPP_URL=a\nB=2\n',
      appended,
      { state: 'restored', text: 'A=1\nB=2\n' },
    ],
  ])('knows %s', (_what, text, change, expected) => {
    expect(restoreAppUrlLine(text, change)).toEqual(expected)
  })
})

it('finds the line of a variable, the last one', () => {
  expect(lineOfVariable('A=1\n\nB="\nA=3\n"\nA=2\r\nC=3', 'A')).toBe(6)
  expect(lineOfVariable('A=1', 'B')).toBeUndefined()
})
