import { isAbsolute, relative } from 'node:path'

/** A path as somebody in `folder` would name it: relative below it, absolute elsewhere. */
export function shortPath(path: string, folder: string): string {
  const name = relative(folder, path)
  return name === '' || name.startsWith('..') || isAbsolute(name) ? path : name
}
