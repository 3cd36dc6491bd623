import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser'
import {
  type ConfigFormat,
  type ConfigValue,
  type EntryPath,
  lineAround,
  lineEndingOf,
  type ReadResult,
  type Splice,
} from './config-format.ts'

/** TOML, where an entry is a table with a header of its own: `[mcp_servers.name]`. */
export const tomlFormat: ConfigFormat = {
  name: 'toml',
  read,
  insert,
  locate: (text, path) => rangeOf(tableAt(text, path)),
  replace(text, path, value) {
    const range = rangeOf(tableAt(text, path))
    if (!range) return undefined
    const removed = text.slice(range.start, range.end)
    return { offset: range.start, removed, inserted: printTable(path, value, lineEndingOf(text)) }
  },
  remove(text, path) {
    const range = rangeOf(tableAt(text, path))
    if (!range) return undefined
    const { start, end } = lineAround(text, range)
    // The empty line that set it apart goes with it.
    const before = text.slice(0, start).replace(/(\r?\n)\r?\n$/, '$1')
    return before + text.slice(end)
  },
}

function read(text: string): ReadResult {
  try {
    const value = getStaticTOMLValue(parseTOML(text))
    return { ok: true, value: Object.keys(value).length === 0 ? undefined : value }
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const { lineNumber, column, message } = error
    return { ok: false, line: lineNumber, column: column + 1, message }
  }
}

/** A table is valid at the end of every document that does not write its holder inline. */
function insert(text: string, path: EntryPath, value: ConfigValue): Splice | undefined {
  const eol = lineEndingOf(text)
  const table = printTable(path, value, eol)
  if (text.trim() === '') return { offset: text.length, removed: '', inserted: table + eol }
  const isEnded = text.endsWith('\n')
  const gap = isEnded ? eol : eol + eol
  return { offset: text.length, removed: '', inserted: gap + table + (isEnded ? eol : '') }
}

/** The one table of an entry; undefined when it is written inline, or over several tables. */
function tableAt(text: string, path: EntryPath): AST.TOMLTable | undefined {
  const tables = parseTOML(text).body[0].body.filter(
    (node) =>
      node.type === 'TOMLTable' && path.every((key, index) => node.resolvedKey[index] === key),
  )
  const [table] = tables
  const isWhole = tables.length === 1 && table?.type === 'TOMLTable' && table.kind === 'standard'
  return isWhole && table.resolvedKey.length === path.length ? table : undefined
}

function rangeOf(node: AST.TOMLTable | undefined) {
  return node && { start: node.range[0], end: node.range[1] }
}

function printTable(path: EntryPath, value: ConfigValue, eol: string): string {
  const header = `[${path.map((key) => printKey(String(key))).join('.')}]`
  const members = Object.entries(value as Record<string, ConfigValue>)
  return [header, ...members.map(([key, one]) => `${printKey(key)} = ${printValue(one)}`)].join(eol)
}

function printKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)
}

/** A basic string of TOML has the escapes of JSON; an inline table has `=` for `:`. */
function printValue(value: ConfigValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(printValue).join(', ')}]`
  const members = Object.entries(value).map(([key, one]) => `${printKey(key)} = ${printValue(one)}`)
  return `{ ${members.join(', ')} }`
}
