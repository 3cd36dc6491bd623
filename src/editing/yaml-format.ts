import { isMap, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml'
import {
  type ConfigFormat,
  type ConfigValue,
  type EntryPath,
  lineAround,
  lineEndingOf,
  type ReadResult,
  type Splice,
  type TextRange,
} from './config-format.ts'

/** YAML, where an entry is a key of a mapping of the root: `extensions: {name: …}`. */
export const yamlFormat: ConfigFormat = {
  name: 'yaml',
  read,
  insert,
  locate: (text, path) => pairRange(text, path),
  replace(text, path, value) {
    const range = pairRange(text, path)
    const [, name] = path
    if (!range || typeof name !== 'string') return undefined
    const removed = text.slice(range.start, range.end)
    const { start } = lineAround(text, range)
    const indent = text.slice(start, range.start)
    // A key that does not begin its line is in braces.
    const inserted = /^ *$/.test(indent)
      ? printBlock({ [name]: value }, { indent, eol: lineEndingOf(text) }).trim()
      : printInline(name, value)
    return { offset: range.start, removed, inserted }
  },
  remove(text, path) {
    const range = pairRange(text, path)
    if (!range) return undefined
    const lines = lineAround(text, range)
    if (text.slice(lines.start, range.start).trim() !== '') return undefined
    return text.slice(0, lines.start) + text.slice(lines.end)
  },
}

function read(text: string): ReadResult {
  const document = parse(text)
  const [error] = document.errors
  if (error) {
    const at = error.linePos?.[0] ?? { line: 1, col: 1 }
    const message = error.message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? ''
    return { ok: false, line: at.line, column: at.col, message }
  }
  return { ok: true, value: document.toJS() ?? undefined }
}

function insert(text: string, path: EntryPath, value: ConfigValue): Splice | undefined {
  const [section, name] = path
  if (typeof section !== 'string' || typeof name !== 'string') return undefined
  const root = parse(text).contents
  const eol = lineEndingOf(text)
  if (isMap(root) && root.flow) return undefined
  const holder = isMap(root) ? pairOf(root, section) : undefined
  if (!holder) {
    const indent = isMap(root) ? indentOf(text, root) : ''
    const block = printBlock({ [section]: { [name]: value } }, { indent, eol })
    return appended(text, indent + block, eol)
  }
  const map = isMap(holder.value) ? holder.value : undefined
  if (map?.flow) return insertInline(text, map, printInline(name, value))
  const isNothing = holder.value === null || (isScalar(holder.value) && holder.value.source === '')
  if (!map && !isNothing) return undefined
  const key = rangeOfNode(holder.key)
  if (!key) return undefined
  const outer = indentOf(text, root as YAMLMap)
  const indent = map ? indentOf(text, map) : `${outer}  `
  const block = indent + printBlock({ [name]: value }, { indent, eol })
  // The line below the section's key: no comment, and no block of text, can be cut in two there.
  const { end } = lineAround(text, key)
  const isEnded = text.slice(0, end).endsWith('\n')
  return { offset: end, removed: '', inserted: isEnded ? block + eol : eol + block }
}

function appended(text: string, block: string, eol: string): Splice {
  const isEnded = text === '' || text.endsWith('\n')
  return { offset: text.length, removed: '', inserted: isEnded ? block + eol : eol + block }
}

/** As the first in braces, where no comma is missing before it. */
function insertInline(text: string, map: YAMLMap, inline: string): Splice | undefined {
  const start = map.range?.[0]
  if (start === undefined || text[start] !== '{') return undefined
  const separator = map.items.length > 0 ? ', ' : ''
  return { offset: start + 1, removed: '', inserted: inline + separator }
}

function parse(text: string) {
  return parseDocument(text, { prettyErrors: true })
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => (isScalar(pair.key) ? pair.key.value : undefined) === key)
}

/** From the key to the last character of the value, without line end or comment. */
function pairRange(text: string, [section, name]: EntryPath): TextRange | undefined {
  const root = parse(text).contents
  const holder = isMap(root) ? pairOf(root, String(section)) : undefined
  const pair = isMap(holder?.value) ? pairOf(holder.value, String(name)) : undefined
  const key = rangeOfNode(pair?.key)
  if (!pair || !key) return undefined
  const end = rangeOfNode(pair.value)?.end ?? key.end
  return { start: key.start, end: text.slice(0, end).trimEnd().length }
}

function rangeOfNode(node: unknown): TextRange | undefined {
  const range = (node as { range?: readonly number[] } | null | undefined)?.range
  const [start, end] = range ?? []
  return start === undefined || end === undefined ? undefined : { start, end }
}

/** Leading white space of the keys of a mapping. */
function indentOf(text: string, map: YAMLMap): string {
  const start = rangeOfNode(map.items[0]?.key)?.start ?? 0
  return text.slice(lineAround(text, { start, end: start }).start, start)
}

/** A mapping over several lines, without the last line end; all but the first are indented. */
function printBlock(value: ConfigValue, { indent, eol }: { indent: string; eol: string }): string {
  return stringify(value, { lineWidth: 0 })
    .trimEnd()
    .replaceAll('\n', eol + indent)
}

/** JSON is YAML, in braces. */
function printInline(name: string, value: ConfigValue): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(value)}`
}
