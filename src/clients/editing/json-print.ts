import type { Node } from 'jsonc-parser'
import { type ConfigValue, lineEndingOf } from './config-format.ts'
import { indentAt } from './json-trivia.ts'

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
