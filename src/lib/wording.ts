import { isAbsolute, relative } from 'node:path'

/** `1 tool`, `2 tools`. */
export function count(number: number, singular: string): string {
  return `${number} ${singular}${number === 1 ? '' : 's'}`
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

/** A path as somebody in `folder` would name it: relative below it, absolute elsewhere. */
export function shortPath(path: string, folder: string): string {
  const name = relative(folder, path)
  return name === '' || name.startsWith('..') || isAbsolute(name) ? path : name
}
