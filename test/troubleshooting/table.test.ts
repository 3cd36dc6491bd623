import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

// The table is true: every row of it is provoked by a test, or is at least said by the program.

const root = new URL('../../', import.meta.url).pathname
const text = readFileSync(`${root}docs/troubleshooting.md`, 'utf8')

/** First cells of the table below a heading. */
function rowsBelow(heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) => cellsOf(line)[0] ?? '')
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

const titles = readdirSync(`${root}test/troubleshooting`)
  .filter((name) => name.endsWith('.test.ts') && name !== 'table.test.ts')
  .flatMap((name) => {
    const source = readFileSync(`${root}test/troubleshooting/${name}`, 'utf8')
    return [...source.matchAll(/^row\(\s*(['"])((?:\\.|(?!\1).)*)\1/gm)].map(([, , title = '']) =>
      title.replaceAll('\\', ''),
    )
  })

const source = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(`${root}src/${path}`, 'utf8'))
  .join('\n')

describe('docs/troubleshooting.md', () => {
  it('has a test for each row of the first table, and a row for each test', () => {
    const rows = rowsBelow('Provoked')
    expect(rows.length).toBeGreaterThanOrEqual(11)
    expect([...titles].sort()).toEqual([...rows].sort())
  })

  it('quotes only what the program says in the second table', () => {
    const rows = rowsBelow('Also')
    expect(rows.length).toBeGreaterThan(3)
    const fragments = rows
      .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, said = '']) => said))
      .flatMap((said) => said.split('…'))
      .map((fragment) => fragment.replace(/^["\s]+|["\s]+$/g, ''))
      .filter((fragment) => fragment.length > 5)
    expect(fragments.filter((fragment) => !source.includes(fragment))).toEqual([])
  })

  it('says in every row what to do, and who says so', () => {
    const lines = text.split('\n').filter((line) => line.startsWith('|'))
    for (const line of lines)
      expect(cellsOf(line).map((cell) => cell !== '')).toEqual([true, true, true, true])
  })
})
