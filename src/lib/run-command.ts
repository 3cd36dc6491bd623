import { once } from 'node:events'
import spawn from 'cross-spawn'

export interface CommandResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Variables on top of our own environment. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Lets it ask the person at the terminal, as sudo does. */
  readonly terminal?: boolean
}

/** Runs a program to its end, without a shell. @throws what prevented it from starting */
export type RunCommand = (argv: readonly string[], options?: RunOptions) => Promise<CommandResult>

/** Creates the runner; `environment` is our own. */
export function createRunCommand(
  environment: Readonly<Record<string, string | undefined>>,
): RunCommand {
  return async ([file = '', ...args], { env = {}, terminal = false } = {}) => {
    const child = spawn(file, args, {
      env: { ...environment, ...env },
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
