import { settlesWithin } from '../lib/clock.ts'
import { createOutput, type World } from './output.ts'
import { runProgram } from './program.ts'
import { exitCodeOf, failureEvent, formatFailure } from './ui/failure.ts'

/** How long what was said may take to leave, for a reader that does not read, ms. */
const flushMs = 1_000

/** Runs the command line, then ends the process: the only place that does. */
export async function main(argv: readonly string[]): Promise<never> {
  process.exit(await runCommandLine(argv, process))
}

/** Runs the command line for a process. Resolves with its exit code once everything is said. */
export async function runCommandLine(
  argv: readonly string[],
  process: NodeJS.Process,
): Promise<number> {
  const { stdout, stderr, env } = process
  const output = createOutput({ stdout, stderr, env, json: argv.includes('--json') })
  const code = await run(argv, { output, process })
  await settlesWithin(output.flush(), flushMs)
  return code
}

async function run(argv: readonly string[], world: World): Promise<number> {
  const { output } = world
  try {
    return await runProgram(argv, world)
  } catch (error) {
    output.event(failureEvent(error))
    output.talk(formatFailure(error, output.stderr))
    return exitCodeOf(error)
  }
}

if (import.meta.main) await main(process.argv.slice(2))
