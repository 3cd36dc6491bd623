import { Command, CommanderError } from 'commander'
import { UserError } from '../errors.ts'
import { readVersion } from '../lib/version.ts'
import { addAccessCommands } from './access-program.ts'
import { addCaCommands } from './ca-program.ts'
import { addClientCommand } from './client-program.ts'
import type { CertsFlags, CloudflaredFlags, CommandActions, DevFlags } from './command-actions.ts'
import { addDoctor } from './doctor-program.ts'
import { addTrustCommands } from './trust-program.ts'

export interface ProgramIo {
  /** Help that was asked for. */
  readonly writeOut: (text: string) => void
  /** Help for somebody who did not say what to do. */
  readonly writeErr: (text: string) => void
  readonly columns: number
}

/**
 * Reads the command line and runs what it says; resolves with the exit code.
 * @throws UserError USAGE for an unknown command, option or value, naming the known ones
 */
export async function runProgram(
  argv: readonly string[],
  { actions, io }: { actions: CommandActions; io: ProgramIo },
): Promise<number> {
  let code = 0
  const program = createProgram({
    actions: noteCodes(actions, (result) => {
      code = result
    }),
    io,
  })
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

/** The same actions, each of which tells its exit code. */
function noteCodes(actions: CommandActions, note: (code: number) => void): CommandActions {
  const noted = Object.entries(actions).map(([name, act]) => [
    name,
    async (...args: unknown[]) => {
      const code = await act(...args)
      note(code)
      return code
    },
  ])
  return Object.fromEntries(noted)
}

function createProgram({ actions, io }: { actions: CommandActions; io: ProgramIo }): Command {
  const program = configure(new Command('sallyport'), io)
    .description('Puts the MCP servers on your machine behind one HTTPS address, in one command.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', helpAfter)
  addDev(program, actions)
  addCerts(program, actions)
  addConnect(program, actions)
  addAdmin(program, actions)
  addCloudflared(program, actions)
  addClientCommand(program, actions)
  addAccessCommands(program, actions)
  addTrustCommands(program, actions)
  addCaCommands(program, actions)
  addDoctor(program, actions)
  for (const command of program.commands) configure(command, io)
  return program
}

function configure(command: Command, { writeOut, writeErr, columns }: ProgramIo): Command {
  return command
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({
      writeOut,
      writeErr,
      // Errors are thrown, and printed by whoever catches them.
      outputError: () => {},
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    })
}

function addDev(program: Command, actions: CommandActions): void {
  program
    .command('dev')
    .description('start the gateway and print how to connect (what `pnpm dev:https` runs)')
    .option('--port <number>', 'port of the local HTTP listener (PORT, 3001)')
    .option('--https-port <number>', 'port of the local HTTPS listener (HTTPS_PORT, 3443)')
    .option('--host <address>', 'address to listen on (HOST, 127.0.0.1)')
    .option(
      '--tunnel <kind>',
      'auto, local, external, none, or providers in order, such as ngrok,local (TUNNEL, auto)',
    )
    .option('--allow-anonymous', 'let strangers use profiles whose "auth" is "none"')
    .option('--any-subdomain', 'take another tunnel name than the one asked for')
    .option('--client <names>', 'show these clients instead of Claude Code: codex,cursor')
    .option('--write', 'keep the address in the files of these clients')
    .option('--undo-on-exit', 'take it out of them again at the end')
    .option('--config <file>', 'configuration file (SALLYPORT_CONFIG, config/gateway.json)')
    .option('--strict-port', 'fail when a port is taken instead of using the next free one')
    .option('--no-https', 'serve plain HTTP only (what `pnpm dev` does)')
    .option('--json', 'print one JSON object per line on standard output')
    .option('--no-keys', 'do not listen to keys')
    .addHelpText('after', devHelpAfter)
    .action(async (flags: DevFlags) => void (await actions.dev(flags)))
}

function addCerts(program: Command, actions: CommandActions): void {
  program
    .command('certs')
    .description('show or renew the local certificate')
    .argument('[action]', 'show or renew', 'show')
    .option('--json', 'print one JSON object')
    .action(async (action: string, flags: CertsFlags) => {
      if (action !== 'show' && action !== 'renew') {
        throw new UserError('USAGE', `There is no "sallyport certs ${action}".`, {
          hint: 'Known are `sallyport certs show` and `sallyport certs renew`.',
        })
      }
      await actions.certs(action, flags)
    })
}

function addConnect(program: Command, actions: CommandActions): void {
  program
    .command('connect')
    .description('log in to a server that waits for it')
    .argument('<server>', 'its name in the configuration file')
    .option('--json', 'print one JSON object')
    .action(async (server: string) => void (await actions.connect(server)))
}

function addAdmin(program: Command, actions: CommandActions): void {
  program
    .command('admin')
    .description('print the link that opens the admin page, once')
    .option('--json', 'print one JSON object')
    .action(async () => void (await actions.admin()))
}

function addCloudflared(program: Command, actions: CommandActions): void {
  program
    .command('cloudflared')
    .description('install the cloudflared program that Cloudflare tunnels need')
    .argument('<action>', 'install')
    .option('--yes', 'download without asking')
    .option('--json', 'print one JSON object')
    .action(async (action: string, flags: CloudflaredFlags) => {
      if (action !== 'install') {
        throw new UserError('USAGE', `There is no "sallyport cloudflared ${action}".`, {
          hint: 'Known is `sallyport cloudflared install`.',
        })
      }
      await actions.installCloudflared(flags)
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

const devHelpAfter = `
In parentheses: the variable an option overrides, and its default. Variables are
read from the environment and .env; .env.example explains them all.

Examples:
  pnpm dev:https
  pnpm dev:https --tunnel none --strict-port
  APP_URL=https://mcp.example.com pnpm dev:https
  pnpm dev:https --json | jq -r 'select(.event == "ready").appUrl'
`
