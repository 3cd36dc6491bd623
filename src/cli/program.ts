import { Command, CommanderError } from 'commander'
import { UserError } from '../errors.ts'
import { readVersion } from '../lib/version.ts'
import { addCommands } from './commands.ts'
import type { World } from './output.ts'

/**
 * Reads the command line and runs what it says; resolves with the exit code. Help that was asked for
 * goes to standard output.
 * @throws UserError USAGE for an unknown command, option or value, naming the known ones
 */
export async function runProgram(argv: readonly string[], world: World): Promise<number> {
  let code = 0
  const program = configure(new Command('sallyport'), world)
    .description('Puts the MCP servers on your machine behind one HTTPS address, in one command.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', helpAfter)
  const onExitCode = (ended: number) => {
    code = ended
  }
  addCommands(program, { world, onExitCode })
  for (const command of program.commands) configure(command, world)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    // Without any command the help has been shown, which says more than an error would.
    if (error.code === 'commander.help') return 2
    throw usageError(error, named(program, argv))
  }
}

function configure(command: Command, { output, process }: World): Command {
  const { columns } = output.stdout
  return command
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({
      writeOut: (text) => void process.stdout.write(text),
      writeErr: (text) => void process.stderr.write(text),
      // Errors are thrown, and printed by whoever catches them.
      outputError: () => {},
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    })
}

function named(program: Command, argv: readonly string[]): Command {
  return program.commands.find((command) => command.name() === argv[0]) ?? program
}

function usageError(error: CommanderError, command: Command): UserError {
  const [sentence = ''] = error.message.replace(/^error: /, '').split('\n')
  const message = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).replace(/\.$/, '')}.`
  const known = [
    ...command.commands.map((sub) => sub.name()),
    ...command.options.flatMap((option) => option.long ?? []),
    '--help',
  ]
  const guess = /\(Did you mean (.+)\?\)/.exec(error.message)?.[1]
  const meant = guess ? `Did you mean ${guess}? ` : ''
  const where = command.parent ? `sallyport ${command.name()}` : 'sallyport'
  return new UserError('USAGE', message, {
    hint: `${meant}\`${where}\` knows ${known.join(', ')}.`,
  })
}

const helpAfter = `
Examples:
  pnpm dev:https                       everything, over HTTPS
  pnpm dev:https --tunnel local        only on this machine
  pnpm sallyport dev --port 4000       another port
  pnpm sallyport trust                 make browsers, the system and Java trust it
  pnpm sallyport env                   what other programs need to trust it
  pnpm sallyport doctor                what is wrong, and what fixes it
`
