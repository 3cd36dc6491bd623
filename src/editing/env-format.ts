import dotenv from 'dotenv'
import type { ConfigFormat, ConfigValue, EntryPath, Splice } from './config-format.ts'

/**
 * Env files, where an entry is the last assignment of a variable, the one that counts. Indentation,
 * `export`, quotes and comment of a line stay.
 */
export const envFormat: ConfigFormat = {
  name: 'env',
  read: (text) => ({ ok: true, value: dotenv.parse(text) }),
  insert(text, [name], value) {
    const quoted = quoteValue(value, '')
    if (quoted === undefined) return undefined
    const line = `${String(name)}=${quoted}`
    const lineBreak = /\r\n|\r|\n/.exec(text)?.[0] ?? '\n'
    const isOpen = text !== '' && !/[\r\n]$/.test(text)
    const inserted = isOpen ? lineBreak + line : line + lineBreak
    return { offset: text.length, removed: '', inserted }
  },
  locate(text, path) {
    const found = lastAssignment(text, path)
    return found && { start: found.valueStart, end: found.valueEnd }
  },
  replace(text, path, value): Splice | undefined {
    const found = lastAssignment(text, path)
    if (!found) return undefined
    const removed = text.slice(found.valueStart, found.valueEnd)
    const quoted = quoteValue(value, /^(['"`])[\s\S]*\1$/.exec(removed)?.[1] ?? '')
    if (quoted === undefined) return undefined
    // Without a space, a shell would take a comment that follows for part of the value.
    const space = text[found.valueEnd] === '#' ? ' ' : ''
    return { offset: found.valueStart, removed, inserted: quoted + space }
  },
  remove(text, path) {
    const found = lastAssignment(text, path)
    if (!found) return undefined
    return text.slice(0, found.start) + text.slice(found.end + lineBreakAt(text, found.end).length)
  },
}

/** Line (from 1) of the assignment of a variable that counts. */
export function lineOfVariable(text: string, name: string): number | undefined {
  const found = lastAssignment(text, [name])
  return found && text.slice(0, found.start).split(/\r\n|\r|\n/).length
}

/** A `NAME=value`; offsets into the text. */
interface Assignment {
  readonly name: string
  /** From the first character of the line to the end of its last, without the line break. */
  readonly start: number
  readonly end: number
  readonly valueStart: number
  readonly valueEnd: number
}

// The grammar of dotenv, bound to lines: only a quoted value may go on over a line break.
const assignmentPattern =
  /[ \t\uFEFF]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=|:[ \t])([ \t]*)((?:'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`)(?=[ \t]*(?:#[^\r\n]*)?(?:[\r\n]|$))|[^#\r\n]*)[^\r\n]*/dy

function lastAssignment(text: string, [name]: EntryPath): Assignment | undefined {
  return [...assignmentsOf(text)].findLast((assignment) => assignment.name === name)
}

function* assignmentsOf(text: string): Generator<Assignment> {
  for (let start = 0; start < text.length; ) {
    const pattern = new RegExp(assignmentPattern)
    pattern.lastIndex = start
    const match = pattern.exec(text)
    const end = match ? start + match[0].length : endOfLine(text, start)
    if (match) yield { name: match[1] ?? '', start, end, ...valueRange(match) }
    start = end + lineBreakAt(text, end).length
  }
}

/** An empty value stands directly behind the `=`, before spaces and a comment. */
function valueRange(match: RegExpExecArray): { valueStart: number; valueEnd: number } {
  const value = (match[3] ?? '').replace(/(?<![ \t])[ \t]+$/, '')
  const valueStart = match.indices?.[value === '' ? 2 : 3]?.[0] ?? match.index
  return { valueStart, valueEnd: valueStart + value.length }
}

/** What dotenv and a POSIX shell that sources the file both read back as it was, by its quotes. */
const readBack = {
  '': /^[\w/:=.,@%+-]*$/,
  "'": /^[^'\\\p{Cc}]*$/u,
  '"': /^[^"\\$`\p{Cc}]*$/u,
} as const

/** A value in the quotes that stood there if they hold it; undefined when no quotes do. */
function quoteValue(value: ConfigValue, present: string): string | undefined {
  if (typeof value !== 'string') return undefined
  const known = Object.keys(readBack) as (keyof typeof readBack)[]
  const order = known.sort((a, b) => Number(b === present) - Number(a === present))
  const quote = order.find((one) => readBack[one].test(value))
  return quote === undefined ? undefined : `${quote}${value}${quote}`
}

function endOfLine(text: string, from: number): number {
  const offset = text.slice(from).search(/[\r\n]/)
  return offset < 0 ? text.length : from + offset
}

function lineBreakAt(text: string, offset: number): string {
  return /^(?:\r\n|\r|\n)/.exec(text.slice(offset, offset + 2))?.[0] ?? ''
}
