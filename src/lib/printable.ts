/** Longest text of several lines that is shown, and longest single line, in characters. */
const longestText = 4_000
const longestLine = 300

/**
 * What moves the cursor, hides, reorders or breaks text, or shows nothing at all: Unicode's control,
 * format and separator characters and whatever else is invisible by default (tags, fillers), as well
 * as halves of pairs; not the line feed, nor the variation selectors that emoji are written with.
 */
const unprintable =
  /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\n\ufe0e\ufe0f]]/gv

/**
 * Text that others had a say in (an upstream, a client, a file), safe to show in a terminal, a log, a
 * page or an error, and of a bounded length: what is not printable is shown as `\x1b`.
 */
export function printable(text: string, longest = longestText): string {
  return cut(text, longest).replace(unprintable, escapeCharacter)
}

/** The same as a single line, for what may not look like a line of our own. */
export function printableLine(text: string, longest = longestLine): string {
  // Blanks count as well before they are joined: there may be megabytes of them.
  const beginning = text.slice(0, longest * 4)
  return printable(beginning.replace(/\s+/g, ' ').trim(), longest)
}

/** The same between quotation marks, for the middle of a sentence of ours. */
export function quoted(value: unknown, longest = longestLine): string {
  return `"${printableLine(String(value), longest).replaceAll('"', '\\"')}"`
}

/** Fields of events and findings that hold sentences of ours, which may have several lines. */
const prose: ReadonlySet<string> = new Set(['message', 'hint', 'error', 'stack', 'fix', 'advice'])

/** The same for every string in a value; only prose may be more than a line. */
export function printableValues<T>(value: T): T {
  return mapStrings(value, (text, key) =>
    prose.has(key) ? printable(text) : printableLine(text, longestText),
  ) as T
}

/**
 * One line of JSON: the same value for whoever parses it, and safe to look at, as what is not
 * printable is escaped.
 */
export function printableJson(json: string): string {
  return json.replace(unprintable, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
    }).join(''),
  )
}

/** A value whose strings are of a bounded length. */
export function boundedValues<T>(value: T): T {
  return mapStrings(value, (text) => cut(text, longestText)) as T
}

function mapStrings(
  value: unknown,
  change: (text: string, key: string) => string,
  key = '',
): unknown {
  if (typeof value === 'string') return change(value, key)
  if (Array.isArray(value)) return value.map((one) => mapStrings(one, change, key))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(entries.map(([name, one]) => [name, mapStrings(one, change, name)]))
}

function cut(text: string, longest: number): string {
  if (text.length <= longest) return text
  return `${text.slice(0, longest)}… (${text.length - longest} more)`
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return code > 0xff ? `\\u{${hex}}` : `\\x${hex.padStart(2, '0')}`
}
