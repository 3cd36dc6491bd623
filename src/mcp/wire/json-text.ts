/**
 * JSON as text. A message that only passes is not written anew, since parsing loses what JSON.parse
 * cannot hold (digits beyond 2^53, `1.0`, the order of keys, duplicates): its parts are cut out of the
 * text and put together again. Everything here takes text that `JSON.parse` has accepted.
 */

/** One member of an object: its key, and where its value stands in the text. */
export interface Member {
  readonly key: string
  readonly keyStart: number
  readonly start: number
  readonly end: number
}

const quote = 34
const backslash = 92

/** The members of the object that is `text`, in the order they were written, duplicates included. */
export function membersOf(text: string): Member[] {
  const members: Member[] = []
  let at = skipSpace(text, 0)
  if (text.charCodeAt(at) !== 123) return members
  at = skipSpace(text, at + 1)
  while (text.charCodeAt(at) === quote) {
    const keyEnd = endOfString(text, at)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = endOfValue(text, start)
    members.push({ key: readKey(text, at, keyEnd), keyStart: at, start, end })
    at = skipSpace(text, end)
    if (text.charCodeAt(at) === 44) at = skipSpace(text, at + 1)
  }
  return members
}

/** The text of one member's value, of the last where a key is repeated, as `JSON.parse` reads it. */
export function memberText(text: string, key: string): string | undefined {
  const member = membersOf(text).findLast((one) => one.key === key)
  return member && text.slice(member.start, member.end)
}

/** The elements of the array that is `text`. */
export function elementsOf(text: string): string[] {
  const elements: string[] = []
  let at = skipSpace(text, 0)
  if (text.charCodeAt(at) !== 91) return elements
  at = skipSpace(text, at + 1)
  while (text.charCodeAt(at) !== 93) {
    const end = endOfValue(text, at)
    elements.push(text.slice(at, end))
    at = skipSpace(text, end)
    if (text.charCodeAt(at) === 44) at = skipSpace(text, at + 1)
  }
  return elements
}

/** What to write for a member: the text of its value, or `undefined` to leave it out. */
export type Edits = Readonly<Record<string, string | undefined>>

/**
 * The object `text` with some members written anew; all others stay as they were, in their place. A
 * repeated key that is edited is written once, so that nobody can read another value than ours.
 */
export function editObject(text: string, edits: Edits): string {
  const pieces: string[] = []
  const written = new Set<string>()
  for (const { key, keyStart, start, end } of membersOf(text)) {
    if (!Object.hasOwn(edits, key)) {
      pieces.push(text.slice(keyStart, end))
      continue
    }
    const value = edits[key]
    if (value === undefined || written.has(key)) continue
    written.add(key)
    pieces.push(text.slice(keyStart, start) + value)
  }
  for (const [key, value] of Object.entries(edits)) {
    if (value !== undefined && !written.has(key)) pieces.push(`${JSON.stringify(key)}:${value}`)
  }
  return `{${pieces.join(',')}}`
}

/** Without line ends between its tokens, so that it fits a line; inside strings JSON has none. */
export function onOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text
}

function readKey(text: string, start: number, end: number): string {
  const plain = text.slice(start + 1, end - 1)
  return plain.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : plain
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at
    at += 1
  }
}

/** Where the value that starts at `from` ends. */
function endOfValue(text: string, from: number): number {
  const first = text.charCodeAt(from)
  if (first === quote) return endOfString(text, from)
  if (first !== 123 && first !== 91) return endOfScalar(text, from)
  let depth = 0
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = endOfString(text, at)
      continue
    }
    at += 1
    if (code === 123 || code === 91) depth += 1
    else if (code === 125 || code === 93) {
      depth -= 1
      if (depth === 0) return at
    }
  }
}

/** Just behind the closing quote. Long strings are searched, not walked through. */
function endOfString(text: string, from: number): number {
  let at = text.indexOf('"', from + 1)
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1)
  return at + 1
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === backslash) slashes += 1
  return slashes % 2 === 1
}

function endOfScalar(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    // A comma, a closing bracket, white space, or the end of the text.
    if (code === 44 || code === 125 || code === 93 || code <= 32 || Number.isNaN(code)) return at
    at += 1
  }
}
