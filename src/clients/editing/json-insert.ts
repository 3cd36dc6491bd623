import type { Node } from 'jsonc-parser'
import { type ConfigValue, type EntryPath, lineEndingOf, type Splice } from './config-format.ts'
import { depthOf, nodeAt, rootOf } from './json-nodes.ts'
import { type JsonStyle, printJson, printJsonLine, styleOf } from './json-print.ts'
import { commaAfter, indentAt, lastCommentEnd, tailOfLine } from './json-trivia.ts'

/** Adds an entry after those that are there, with the objects it stands in where they are missing. */
export function insertJson(text: string, path: EntryPath, value: ConfigValue): Splice | undefined {
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
