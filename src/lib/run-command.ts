import { once } from 'node:events'
import spawn from 'cross-spawn'

export interface CommandResult {
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
