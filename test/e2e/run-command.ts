import { type SpawnOptions, spawn } from 'node:child_process'

/** What a program said, and how it ended. */
export interface CommandResult {
  /** Null when a signal ended it, the time limit included. */
  readonly exitCode: number | null
  /** Standard output and standard error, as they came. */
  readonly output: string
}

/** Runs a program to its end, without input unless given. A failure is a result, not an error. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { timeoutMs?: number; input?: string } = {},
): Promise<CommandResult> {
  const { timeoutMs = 300_000, input, ...spawnOptions } = options
  const child = spawn(command, args, {
    ...spawnOptions,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  child.stdin?.end(input)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: null, output: output + error.message }))
    child.once('close', (exitCode) => resolve({ exitCode, output }))
  })
}
