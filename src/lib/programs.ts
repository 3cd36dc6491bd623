import { once } from 'node:events'
import { accessSync, constants, statSync } from 'node:fs'
import { posix, win32 } from 'node:path'
import spawn from 'cross-spawn'

interface CommandResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end, without a shell. `terminal` lets it ask the person there, as sudo does.
 * @throws what prevented it from starting
 */
export type RunCommand = (
  argv: readonly string[],
  options?: { readonly terminal?: boolean },
) => Promise<CommandResult>

/** Creates the runner; `environment` is our own. */
export function createRunCommand(
  environment: Readonly<Record<string, string | undefined>>,
): RunCommand {
  return async ([file = '', ...args], { terminal = false } = {}) => {
    const child = spawn(file, args, {
      env: environment,
      stdio: [terminal ? 'inherit' : 'ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text
      })
    }
    const [code] = await once(child, 'close')
    return { code: code ?? undefined, ...output }
  }
}

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
