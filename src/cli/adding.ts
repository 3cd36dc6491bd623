import type { Command } from 'commander'
import type { World } from './output.ts'

/** What a command is added to, and how what it does is run. */
export interface Adding {
  readonly program: Command
  readonly world: World
  /** An action that tells its exit code. */
  readonly act: <A extends unknown[]>(
    body: (...args: A) => number | Promise<number>,
  ) => (...args: A) => Promise<void>
}

export function json(command: Command): Command {
  return command.option('--json', 'print one JSON object')
}
