import { findNodeAtLocation, getNodeValue, type Node, parseTree } from 'jsonc-parser'
import {
  type ConfigFormat,
  type ConfigValue,
  type EntryPath,
  lineAround,
  lineEndingOf,
  type ReadResult,
  type Segment,
  type Splice,
  type TextRange,
} from './config-format.ts'
import {
  commaAfter,
  indentAt,
  isBlank,
  type JsonStyle,
  lastCommentEnd,
  printJson,
  printJsonLine,
  styleOf,
  tailOfLine,
} from './json-text.ts'
import { parseJsonc } from './parse-jsonc.ts'

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

/** Adds an entry after those that are there, with the objects it stands in where they are missing. */
function insertJson(text: string, path: EntryPath, value: ConfigValue): Splice | undefined {
  const root = rootOf(text)
  if (!root) return insertDocument(text, nest(path, value))
  const depth = depthOf(root, path)
  const holder = nodeAt(root, path.slice(0, depth))
  const segment = path[depth]
  if (!holder || segment === undefined) return undefined
  if (holder.type !== (typeof segment === 'string' ? 'object' : 'array')) return undefined
  const member = {
    key: typeof segment === 'string' ? `${JSON.stringify(segment)}: ` : '',
    value: nest(path.slice(depth + 1), value),
  }
  const insertion = { text, holder, member, style: styleOf(text, root) }
  return (holder.children ?? []).length === 0 ? insertFirst(insertion) : insertLast(insertion)
}

interface Insertion {
  readonly text: string
  readonly holder: Node
  readonly member: { readonly key: string; readonly value: ConfigValue }
  readonly style: JsonStyle
}

function insertDocument(text: string, value: ConfigValue): Splice {
  const eol = lineEndingOf(text)
  const gap = text === '' || text.endsWith('\n') ? '' : eol
  const document = printJson(value, { eol, unit: '  ', indent: '' })
  return { offset: text.length, removed: '', inserted: `${gap}${document}${eol}` }
}

/** Into a holder that has nothing yet but perhaps comments. */
function insertFirst({ text, holder, member, style }: Insertion): Splice {
  const close = holder.offset + holder.length - 1
  const offset = lastCommentEnd(text, { start: holder.offset + 1, end: close })
  const outer = indentAt(text, holder.offset)
  const indent = outer + style.unit
  const closing = text.slice(offset, close).includes('\n') ? '' : style.eol + outer
  const content = member.key + printJson(member.value, { ...style, indent })
  return { offset, removed: '', inserted: `${style.eol}${indent}${content}${closing}` }
}

function insertLast({ text, holder, member, style }: Insertion): Splice {
  const children = holder.children ?? []
  const firstOffset = children[0]?.offset ?? holder.offset
  const last = children.at(-1) ?? holder
  const end = last.offset + last.length
  const comma = commaAfter(text, end)
  // A comment on the last member's line is about that member, so ours goes below.
  const tail = tailOfLine(text, comma?.end ?? end)
  const between = text.slice(end, tail.end)
  const isSpread = text.slice(holder.offset, firstOffset).includes('\n')
  const indent = indentAt(text, isSpread ? firstOffset : holder.offset)
  const isOneLine = !isSpread && !tail.lineComment
  const content = isOneLine
    ? lineMember(member, text)
    : style.eol + indent + member.key + printJson(member.value, { ...style, indent })
  const inserted = `${comma ? '' : ','}${between}${content}${comma ? ',' : ''}`
  return { offset: end, removed: between, inserted }
}

function lineMember({ key, value }: Insertion['member'], document: string): string {
  const isSpaced = /":\s|,\s/.test(document)
  return (isSpaced ? ` ${key}` : key.trimEnd()) + printJsonLine(value, document)
}

function nest(path: EntryPath, value: ConfigValue): ConfigValue {
  return path.reduceRight<ConfigValue>(
    (inner, segment) => (typeof segment === 'string' ? { [segment]: inner } : [inner]),
    value,
  )
}

/** The root of a document; undefined when there is none yet. */
function rootOf(text: string): Node | undefined {
  return isBlank(text) ? undefined : parseTree(text, [], { allowTrailingComma: true })
}

/** The value at a path. */
function nodeAt(root: Node | undefined, path: EntryPath): Node | undefined {
  return path.reduce<Node | undefined>((node, segment) => node && childOf(node, segment), root)
}

/** How many segments of a path are there already. */
function depthOf(root: Node, path: EntryPath): number {
  const missing = path.findIndex((_, index) => !nodeAt(root, path.slice(0, index + 1)))
  return missing < 0 ? path.length : missing
}

function childOf(node: Node, segment: Segment): Node | undefined {
  if (typeof segment === 'string') {
    return node.type === 'object' ? findNodeAtLocation(node, [segment]) : undefined
  }
  if (node.type !== 'array') return undefined
  return node.children?.find((one) => idOf(one) === segment.id)
}

function idOf(node: Node): unknown {
  return (getNodeValue(node) as { id?: unknown } | null)?.id
}
