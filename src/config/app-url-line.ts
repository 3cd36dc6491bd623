/** What must be known to take an APP_URL line back out of a file. */
interface AppUrlEdit {
  /** The line as it was; null when the file had none. */
  readonly before: string | null
  /** The line as we wrote it. */
  readonly written: string
  /** The end of line we had to put in front of an appended line; otherwise empty. */
  readonly joint: string
}

type SetLineResult =
  | { readonly ok: true; readonly text: string; readonly edit: AppUrlEdit }
  | { readonly ok: false }

type RestoreLineResult =
  | { readonly state: 'restored'; readonly text: string }
  /** The line is already as it was before. */
  | { readonly state: 'unchanged' }
  /** The line is neither ours nor the one before: somebody else wrote it. */
  | { readonly state: 'edited' }

/** A `NAME=value` of an env file; offsets into the text. */
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

/** Finds the assignments of an env file, in order. */
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

/** Line (from 1) of the assignment of a variable that counts, the last one. */
export function lineOfVariable(text: string, name: string): number | undefined {
  const assignment = lastAssignment(text, name)
  return assignment && text.slice(0, assignment.start).split(/\r\n|\r|\n/).length
}

/**
 * Sets APP_URL where it counts, in its last assignment, keeping indentation, `export`, quotes and
 * comment; appends a line where there is none. Fails when open quotes elsewhere would swallow it, and
 * for a value that no quotes hold.
 */
export function setAppUrlLine(text: string, url: string): SetLineResult {
  const existing = lastAssignment(text, 'APP_URL')
  const value = quoteValue(url, existing && quoteOf(text, existing))
  if (value === undefined) return { ok: false }
  const change = existing ? replaceLine(text, { existing, value }) : appendLine(text, value)
  const found = lastAssignment(change.text, 'APP_URL')
  const isFound = found && change.text.slice(found.start, found.end) === change.edit.written
  return isFound ? { ok: true, ...change } : { ok: false }
}

/** Undoes an edit; `written` are all the lines we may have written since. */
export function restoreAppUrlLine(
  text: string,
  edit: { before: string | null; joint: string; written: readonly string[] },
): RestoreLineResult {
  const found = lastAssignment(text, 'APP_URL')
  const line = found ? text.slice(found.start, found.end) : null
  if (line === edit.before) return { state: 'unchanged' }
  if (!found || line === null || !edit.written.includes(line)) return { state: 'edited' }
  if (edit.before !== null) return { state: 'restored', text: splice(text, found, edit.before) }
  const lineBreak = lineBreakAt(text, found.end)
  const isJoined = lineBreak === '' && text.slice(0, found.start).endsWith(edit.joint)
  const start = isJoined ? found.start - edit.joint.length : found.start
  return { state: 'restored', text: splice(text, { start, end: found.end + lineBreak.length }, '') }
}

/** What dotenv and a POSIX shell that sources the file both read back as it was, by its quotes. */
const readBack = {
  '': /^[\w/:=.,@%+-]*$/,
  "'": /^[^'\\\p{Cc}]*$/u,
  '"': /^[^"\\$`\p{Cc}]*$/u,
} as const

/** The value as it may stand behind `APP_URL=`, in the quotes that stood there if they hold it. */
function quoteValue(value: string, present: string | undefined): string | undefined {
  const known = Object.keys(readBack) as (keyof typeof readBack)[]
  const order = known.sort((a, b) => Number(b === present) - Number(a === present))
  const quote = order.find((one) => readBack[one].test(value))
  return quote === undefined ? undefined : `${quote}${value}${quote}`
}

function quoteOf(text: string, { valueStart, valueEnd }: Assignment): string {
  return /^(['"`])[\s\S]*\1$/.exec(text.slice(valueStart, valueEnd))?.[1] ?? ''
}

function replaceLine(text: string, { existing, value }: { existing: Assignment; value: string }) {
  // Without a space, a shell would take a comment that follows for part of the value.
  const space = text[existing.valueEnd] === '#' ? ' ' : ''
  const before = text.slice(existing.start, existing.end)
  const written =
    text.slice(existing.start, existing.valueStart) +
    `${value}${space}` +
    text.slice(existing.valueEnd, existing.end)
  return { text: splice(text, existing, written), edit: { before, written, joint: '' } }
}

function appendLine(text: string, value: string) {
  const lineBreak = /\r\n|\r|\n/.exec(text)?.[0] ?? '\n'
  const written = `APP_URL=${value}`
  const isOpen = text !== '' && !/[\r\n]$/.test(text)
  return isOpen
    ? { text: text + lineBreak + written, edit: { before: null, written, joint: lineBreak } }
    : { text: text + written + lineBreak, edit: { before: null, written, joint: '' } }
}

function lastAssignment(text: string, name: string): Assignment | undefined {
  return [...assignmentsOf(text)].findLast((assignment) => assignment.name === name)
}

function endOfLine(text: string, from: number): number {
  const offset = text.slice(from).search(/[\r\n]/)
  return offset < 0 ? text.length : from + offset
}

function lineBreakAt(text: string, offset: number): string {
  return /^(?:\r\n|\r|\n)/.exec(text.slice(offset, offset + 2))?.[0] ?? ''
}

function splice(text: string, range: { start: number; end: number }, replacement: string): string {
  return text.slice(0, range.start) + replacement + text.slice(range.end)
}
