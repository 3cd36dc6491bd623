import { parseJsonc } from '../../config/parse-jsonc.ts'
import {
  type ConfigFormat,
  type EntryPath,
  lineAround,
  type ReadResult,
  type TextRange,
} from './config-format.ts'
import { insertJson } from './json-insert.ts'
import { nodeAt, rootOf } from './json-nodes.ts'
import { printJson, printJsonLine, styleOf } from './json-print.ts'
import { commaAfter, indentAt, isBlank } from './json-trivia.ts'

/** JSON, also with comments and trailing commas. */
export const jsonFormat: ConfigFormat = {
  name: 'json',
  read,
  insert: insertJson,
  locate: (text, path) => locate(text, path),
  replace(text, path, value) {
    const node = nodeAt(rootOf(text), path)
    if (!node) return undefined
    const start = node.parent?.type === 'property' ? node.parent.offset : node.offset
    const style = { ...styleOf(text, rootOf(text)), indent: indentAt(text, start) }
    const removed = text.slice(node.offset, node.offset + node.length)
    const isSpread = removed.includes('\n')
    const inserted = isSpread ? printJson(value, style) : printJsonLine(value, text)
    return { offset: node.offset, removed, inserted }
  },
  remove,
}

function read(text: string): ReadResult {
  if (isBlank(text)) return { ok: true, value: undefined }
  const result = parseJsonc(text)
  // The parser's objects have no prototype, which would make them differ from every other.
  if (result.ok) return { ok: true, value: structuredClone(result.document.value) }
  const [first = { line: 1, column: 1, message: 'this is not JSON' }] = result.errors
  return { ok: false, ...first }
}

function locate(text: string, path: EntryPath): TextRange | undefined {
  const node = nodeAt(rootOf(text), path)
  return node && { start: node.offset, end: node.offset + node.length }
}

function remove(text: string, path: EntryPath): string | undefined {
  const node = nodeAt(rootOf(text), path)
  const entry = node?.parent?.type === 'property' ? node.parent : node
  const siblings = entry?.parent?.children
  if (!entry || !siblings) return undefined
  const end = entry.offset + entry.length
  const after = commaAfter(text, end)
  const previous = siblings[siblings.indexOf(entry) - 1]
  const cut = wholeLines(text, { start: entry.offset, end: after?.end ?? end })
  const rest = text.slice(0, cut.start) + text.slice(cut.end)
  if (after || !previous) return rest
  // It was the last one: the comma before it would be left over, which strict readers refuse.
  const before = commaAfter(text, previous.offset + previous.length)
  return before ? rest.slice(0, before.start) + rest.slice(before.end) : rest
}

/** The lines of a range when nothing else is on them, else the range and one space after it. */
function wholeLines(text: string, range: TextRange): TextRange {
  const lines = lineAround(text, range)
  const before = text.slice(lines.start, range.start)
  const after = text.slice(range.end, lines.end)
  if (lines.start > 0 && before.trim() === '' && after.trim() === '') return lines
  return after.startsWith(' ') ? { start: range.start, end: range.end + 1 } : range
}
