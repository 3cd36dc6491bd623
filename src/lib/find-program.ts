import { accessSync, constants, statSync } from 'node:fs'
import { posix, win32 } from 'node:path'

/** Where programs that only root needs are, which are not on everybody's PATH. */
const systemFolders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin']

/** The path of a program of the PATH, or of the system's folders; undefined when there is none. */
export function findProgram(
  name: string,
  options: { platform: NodeJS.Platform; searchPath: string },
): string | undefined {
  const { platform, searchPath } = options
  const { delimiter, join } = platform === 'win32' ? win32 : posix
  const file = platform === 'win32' ? `${name}.exe` : name
  const folders = searchPath.split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, file)).find(isExecutable)
}

/** The same, with the folders that root has on its PATH. */
export function findSystemProgram(
  name: string,
  options: { platform: NodeJS.Platform; searchPath: string },
): string | undefined {
  const searchPath = [options.searchPath, ...systemFolders].join(':')
  return findProgram(name, options.platform === 'win32' ? options : { ...options, searchPath })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    // Not there, or not ours to run.
    return false
  }
}
