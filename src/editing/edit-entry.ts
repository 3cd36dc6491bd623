import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import {
  applySplice,
  type ConfigFormat,
  type ConfigValue,
  type EntryPath,
  type Segment,
  type Splice,
} from './config-format.ts'

/** Where an entry stands, and what it is to be. */
export interface PlacedEntry {
  readonly path: EntryPath
  readonly value: ConfigValue
}

const valueSchema = z.custom<ConfigValue>((value) => value !== undefined)

/** What we remember of an entry we wrote. */
export const entryMemorySchema = z.object({
  path: z.array(z.union([z.string(), z.object({ id: z.string() })])).readonly(),
  /**
   * What may stand there: the last that was written, and the one before, should a crash have come
   * between the memory and the file. `chunk` is the piece of text the entry is part of, and what
   * was in its place before us; absent when somebody edited around it.
   */
  versions: z.array(
    z.object({
      value: valueSchema,
      chunk: z.object({ removed: z.string(), inserted: z.string() }).optional(),
    }),
  ),
  /** An entry of somebody else that ours took the place of. */
  replaced: valueSchema.optional(),
})
export type EntryMemory = z.output<typeof entryMemorySchema>

export type PutResult =
  | { readonly state: 'unchanged' }
  | { readonly state: 'changed'; readonly text: string; readonly memory: EntryMemory }
  /** An entry of this name is there and is not ours. */
  | { readonly state: 'foreign' }
  /** The file is written in a way that this cannot be done safely. */
  | { readonly state: 'impossible' }

/** Puts an entry into a text, and changes nothing else of what the text says. */
export function putEntry(
  text: string,
  { path, value }: PlacedEntry,
  options: { format: ConfigFormat; memory: EntryMemory | undefined; force: boolean },
): PutResult {
  const { format, memory, force } = options
  const before = documentOf(text, format)
  const current = valueAt(before, path)
  if (isDeepStrictEqual(current, value)) return { state: 'unchanged' }
  const known = memory?.versions.find((version) => isDeepStrictEqual(version.value, current))
  if (current !== undefined && !known && !force) return { state: 'foreign' }
  const splice =
    current === undefined ? format.insert(text, path, value) : format.replace(text, path, value)
  const next = splice && applySplice(text, splice)
  if (!splice || next === undefined || !isSafe(before, next, { path, value, format })) {
    return { state: 'impossible' }
  }
  const chunk = known ? extendChunk(text, splice, known.chunk) : splice
  const version = chunk
    ? { value, chunk: { removed: chunk.removed, inserted: chunk.inserted } }
    : { value }
  const replaced = known ? memory?.replaced : (current as ConfigValue | undefined)
  return {
    state: 'changed',
    text: next,
    memory: {
      path,
      versions: [...(known ? [known] : []), version],
      ...(replaced !== undefined && { replaced }),
    },
  }
}

type TakeResult =
  | { readonly state: 'gone' }
  | { readonly state: 'edited' }
  | { readonly state: 'impossible' }
  /** `exact`: every byte is as it was before us, as far as we are concerned. */
  | { readonly state: 'taken'; readonly text: string; readonly exact: boolean }

/** Takes an entry of ours out again, or gives what it replaced its place back. */
export function takeEntry(
  text: string,
  memory: EntryMemory,
  options: { format: ConfigFormat; force: boolean },
): TakeResult {
  const { format, force } = options
  const { path, replaced } = memory
  const before = documentOf(text, format)
  const current = valueAt(before, path)
  if (current === undefined) return { state: 'gone' }
  const known = memory.versions.find((version) => isDeepStrictEqual(version.value, current))
  if (!known && !force) return { state: 'edited' }
  const exact = known?.chunk && withoutChunk(text, path, { format, chunk: known.chunk })
  if (exact !== undefined && isSafe(before, exact, { path, value: replaced, format })) {
    return { state: 'taken', text: exact, exact: true }
  }
  const splice = replaced === undefined ? undefined : format.replace(text, path, replaced)
  const next = splice ? applySplice(text, splice) : format.remove(text, path)
  if (next === undefined || !isSafe(before, next, { path, value: splice && replaced, format })) {
    return { state: 'impossible' }
  }
  return { state: 'taken', text: next, exact: false }
}

/** Whether `text` still says what it said, but for the entry, which is `value` now. */
function isSafe(
  before: unknown,
  text: string,
  { path, value, format }: { path: EntryPath; value: unknown; format: ConfigFormat },
): boolean {
  const result = format.read(text)
  return (
    result.ok &&
    isDeepStrictEqual(valueAt(result.value, path), value) &&
    sameElsewhere(before, result.value, path)
  )
}

function documentOf(text: string, format: ConfigFormat): unknown {
  const result = format.read(text)
  return result.ok ? result.value : undefined
}

type Chunk = EntryMemory['versions'][number]['chunk']

/** The chunk of an entry after `splice` changed its value; undefined when it is not to be found. */
function extendChunk(
  text: string,
  splice: Splice,
  chunk: Chunk,
): Omit<Splice, 'offset'> | undefined {
  const range = { start: splice.offset, end: splice.offset + splice.removed.length }
  const at = chunk && offsetOf(text, chunk.inserted, range)
  if (at === undefined || !chunk) return undefined
  const inner = { ...splice, offset: splice.offset - at }
  return { removed: chunk.removed, inserted: applySplice(chunk.inserted, inner) }
}

function withoutChunk(
  text: string,
  path: EntryPath,
  { format, chunk }: { format: ConfigFormat; chunk: NonNullable<Chunk> },
): string | undefined {
  const range = format.locate(text, path)
  const offset = range && offsetOf(text, chunk.inserted, range)
  if (offset === undefined) return undefined
  return applySplice(text, { offset, removed: chunk.inserted, inserted: chunk.removed })
}

/** Where `chunk` stands around `range`, if that is one place only. */
function offsetOf(
  text: string,
  chunk: string,
  { start, end }: { start: number; end: number },
): number | undefined {
  const first = Math.max(0, end - chunk.length)
  const found = Array.from({ length: start - first + 1 }, (_, index) => first + index).filter(
    (offset) => text.startsWith(chunk, offset),
  )
  return found.length === 1 ? found[0] : undefined
}

/** What stands at a path of a parsed document; `undefined` when nothing does. */
function valueAt(document: unknown, path: EntryPath): unknown {
  return path.reduce<unknown>(child, document)
}

/** Whether two documents are the same in everything but these entries and what only holds them. */
function sameElsewhere(a: unknown, b: unknown, path: EntryPath): boolean {
  return isDeepStrictEqual(without(a, path), without(b, path))
}

/** Whether nothing is left of a document but the holders of entries. */
export function isBare(document: unknown): boolean {
  return isEmpty(document) || (isObject(document) && Object.values(document).every(isBare))
}

function child(value: unknown, segment: Segment): unknown {
  if (typeof segment !== 'string') {
    return Array.isArray(value) ? value.find((one) => idOf(one) === segment.id) : undefined
  }
  return isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined
}

/** A copy without what stands at `path`, and without the holders that are empty then. */
function without(value: unknown, path: EntryPath): unknown {
  const [first, ...rest] = path
  const inner = first === undefined ? undefined : child(value, first)
  if (first === undefined || (inner === undefined && !isEmpty(value))) {
    return first === undefined ? undefined : value
  }
  const next = without(inner, rest)
  const left = Array.isArray(value)
    ? value.flatMap((one) => (one !== inner ? [one] : next === undefined ? [] : [next]))
    : Object.fromEntries(
        Object.entries(isObject(value) ? value : {}).flatMap(([key, one]) =>
          key !== first ? [[key, one]] : next === undefined ? [] : [[key, next]],
        ),
      )
  return isEmpty(left) ? undefined : left
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (Array.isArray(value)) return value.length === 0
  return isObject(value) && Object.keys(value).length === 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  )
}

function idOf(value: unknown): unknown {
  return isObject(value) ? value.id : undefined
}
