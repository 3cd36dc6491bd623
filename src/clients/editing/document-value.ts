import { isDeepStrictEqual } from 'node:util'
import type { EntryPath, Segment } from './config-format.ts'

/** What stands at a path of a parsed document; `undefined` when nothing does. */
export function valueAt(document: unknown, path: EntryPath): unknown {
  return path.reduce<unknown>(child, document)
}

/** Whether two documents are the same in everything but these entries and what only holds them. */
export function sameElsewhere(a: unknown, b: unknown, path: EntryPath): boolean {
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
