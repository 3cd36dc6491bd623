/** A JSON value as it stands in a configuration file. */
export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue }

/** A key of an object, or the element of a list whose `id` is given. */
export type Segment = string | { readonly id: string }

/** Where in a document something stands, from its root. */
export type EntryPath = readonly Segment[]

/** From the first character (inclusive) to the last (exclusive). */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/** One change of a text: at `offset`, `removed` gives way to `inserted`. */
export interface Splice {
  readonly offset: number
  readonly removed: string
  readonly inserted: string
}

export type ReadResult =
  | { readonly ok: true; readonly value: unknown }
  /** Line and column count from 1. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string }

/**
 * A language of configuration files, as far as one entry is concerned. Texts come without a byte
 * order mark and were read without a mistake. Everything a function does not name stays as it is;
 * `undefined` means that the entry is written, or would have to be, in a way that is not edited.
 */
export interface ConfigFormat {
  readonly name: 'json' | 'toml' | 'yaml' | 'env'
  /** An empty document has the value `undefined`. */
  read(text: string): ReadResult
  /** Adds what is not there. */
  insert(text: string, path: EntryPath, value: ConfigValue): Splice | undefined
  /** Where the entry stands: what `replace` gives a new text. */
  locate(text: string, path: EntryPath): TextRange | undefined
  replace(text: string, path: EntryPath, value: ConfigValue): Splice | undefined
  /** The text without the entry. What held it stays, also when it is empty now. */
  remove(text: string, path: EntryPath): string | undefined
}

export function applySplice(text: string, { offset, removed, inserted }: Splice): string {
  return text.slice(0, offset) + inserted + text.slice(offset + removed.length)
}

/** The line ending a text uses, by its first one. */
export function lineEndingOf(text: string): '\r\n' | '\n' {
  return /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n'
}

/** Offset of the line that `offset` is in, and of the one after it. */
export function lineAround(text: string, { start, end }: TextRange): TextRange {
  const next = text.indexOf('\n', Math.max(start, end - 1))
  return { start: text.lastIndexOf('\n', start - 1) + 1, end: next < 0 ? text.length : next + 1 }
}
