import type { Command } from 'commander'
import type { CommandActions } from './command-actions.ts'
import type { ClientFlags } from './commands/client.ts'

/** Adds `client`: how MCP clients are connected, and their files. */
export function addClientCommand(
  program: Command,
  { client }: Pick<CommandActions, 'client'>,
): void {
  program
    .command('client')
    .description('show how an MCP client is connected, or write it into its configuration')
    .argument('[name]', 'such as cursor; all are listed without it')
    .option('--profile <name>', 'the profile to connect to (default)')
    .option('--url <url>', 'another address than the one of the gateway in this folder')
    .option('--key <variable>', 'send the API key that this environment variable holds')
    .option('--write', "write it into the client's own file, and nothing else there")
    .option('--scope <scope>', 'which file: project (this folder) or user (user)')
    .option('--force', 'also where an entry of that name is not ours')
    .option('--undo', 'take what was written out again')
    .option('--copy', 'copy the snippet to the clipboard')
    .option('--qr', 'show the address as a QR code')
    .option('--json', 'print one JSON object')
    .action(
      async (name: string | undefined, flags: ClientFlags) => void (await client(name, flags)),
    )
}
