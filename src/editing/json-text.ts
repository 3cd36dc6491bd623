import { createScanner, type Node } from 'jsonc-parser'
import { type ConfigValue, lineAround, lineEndingOf, type TextRange } from './config-format.ts'

/** Whether a document is nothing but white space and comments. */
export function isBlank(text: string): boolean {
  const scanner = createScanner(text, true)
  scanner.scan()
  return scanner.getTokenOffset() >= text.length && scanner.getTokenError() === 0
}

/** The comma that follows what ends at `offset`, whatever comments are between. */
export function commaAfter(text: string, offset: number): TextRange | undefined {
  const scanner = createScanner(text, true)
  scanner.setPosition(offset)
  scanner.scan()
  const start = scanner.getTokenOffset()
  return text[start] === ',' ? { start, end: start + 1 } : undefined
}

/** Where the comments end that are on the same line after `offset`. */
export function tailOfLine(text: string, offset: number): { end: number; lineComment: boolean } {
  let end = offset
  for (const token of tokensFrom(text, offset)) {
    const kind = kindOf(text, token)
    if (kind === 'line comment') return { end: token.end, lineComment: true }
    if (kind === 'block comment') end = token.end
    else if (kind !== 'space') break
  }
  return { end, lineComment: false }
}

/** Where the last comment of a range that holds nothing else ends; its start when there is none. */
export function lastCommentEnd(text: string, { start, end }: TextRange): number {
  let last = start
  for (const token of tokensFrom(text, start)) {
    if (token.start >= end) break
    if (/comment/.test(kindOf(text, token))) last = token.end
  }
  return last
}

function* tokensFrom(text: string, offset: number): Iterable<TextRange> {
  const scanner = createScanner(text, false)
  scanner.setPosition(offset)
  while (scanner.getPosition() < text.length) {
    scanner.scan()
    const start = scanner.getTokenOffset()
    yield { start, end: start + scanner.getTokenLength() }
  }
}

function kindOf(text: string, { start, end }: TextRange) {
  const token = text.slice(start, end)
  if (token.startsWith('//')) return 'line comment'
  if (token.startsWith('/*')) return 'block comment'
  return /^[ \t]+$/.test(token) ? 'space' : 'other'
}

/** Leading white space of the line that `offset` is on. */
export function indentAt(text: string, offset: number): string {
  const line = lineAround(text, { start: offset, end: offset })
  return /^[ \t]*/.exec(text.slice(line.start, line.end))?.[0] ?? ''
}

/** How a document is laid out. */
export interface JsonStyle {
  readonly eol: string
  /** White space of one level. */
  readonly unit: string
}

/** The first indented member of a document shows how far one level goes in. */
export function styleOf(text: string, root: Node | undefined): JsonStyle {
  const first = root?.children?.[0]
  const isSpread = first && text.slice(root?.offset, first.offset).includes('\n')
  const unit = isSpread ? indentAt(text, first.offset) : ''
  return { eol: lineEndingOf(text), unit: unit === '' ? '  ' : unit }
}

/** A value over several lines; all but the first begin with `indent`. */
export function printJson(
  value: ConfigValue,
  { eol, unit, indent }: JsonStyle & { readonly indent: string },
): string {
  return JSON.stringify(value, null, unit).replaceAll('\n', eol + indent)
}

/** A value on one line, spaced as the document around it is. */
export function printJsonLine(value: ConfigValue, document: string): string {
  return /":\s/.test(document) ? printSpaced(value) : JSON.stringify(value)
}

function printSpaced(value: ConfigValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(printSpaced).join(', ')}]`
  const members = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}: ${printSpaced(one)}`,
  )
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}
