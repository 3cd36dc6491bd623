import { createActions } from './actions.ts'
import { createOutput, type Output } from './output.ts'
import { runProgram } from './program.ts'
import { exitCodeOf, failureEvent, formatFailure } from './ui/failure.ts'

/** Runs the command line, then ends the process: the only place that does. */
export async function main(argv: readonly string[]): Promise<never> {
  const output = createOutput({
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    json: argv.includes('--json'),
  })
  const code = await run(argv, output)
  await Promise.race([output.flush(), new Promise((resolve) => setTimeout(resolve, 1000))])
  process.exit(code)
}

async function run(argv: readonly string[], output: Output): Promise<number> {
  try {
    return await runProgram(argv, {
      actions: createActions({ output, process }),
      io: {
        writeOut: (text) => void process.stdout.write(text),
        writeErr: (text) => void process.stderr.write(text),
        columns: output.screen('stdout').columns,
      },
    })
  } catch (error) {
    output.event(failureEvent(error))
    output.talk(formatFailure(error, output.screen('stderr')))
    return exitCodeOf(error)
  }
}

if (import.meta.main) await main(process.argv.slice(2))
