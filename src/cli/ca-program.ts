import type { Command } from 'commander'
import type { CommandActions } from './command-actions.ts'
import type { AddFlags } from './commands/ca.ts'

/** Adds `ca`: which authorities and client certificates connections to a server use. */
export function addCaCommands(program: Command, { ca }: Pick<CommandActions, 'ca'>): void {
  const group = program
    .command('ca')
    .description('certificate authorities and client certificates of servers')
  json(group.command('add').argument('<server>').argument('[files...]'))
    .description('trust the authorities in .pem, .crt, .cer and .cert files for one server')
    .option('--replace', 'put them in the place of what there is')
    .option('--client-cert <file>', 'the certificate to present to the server, with its chain')
    .option('--client-key <file>', 'its private key; it is kept sealed')
    .addHelpText('after', addHelpAfter)
    .action(
      async (server: string, files: string[], flags: AddFlags) =>
        void (await ca({ do: 'add', server, files, flags })),
    )
  json(group.command('list'))
    .description('list what is kept: roots first, what is missing, and when it expires')
    .action(async () => void (await ca({ do: 'list' })))
  json(group.command('remove').argument('<server>'))
    .description('remove what is kept for a server')
    .option('--client-cert', 'only the client certificate and its key')
    .action(
      async (server: string, flags: { clientCert?: boolean }) =>
        void (await ca({ do: 'remove', server, clientCertificateOnly: flags.clientCert ?? false })),
    )
  json(group.command('test').argument('<server>'))
    .description('connect to a server and explain its chain; exit code 1 when it does not verify')
    .action(async (server: string) => void (await ca({ do: 'test', server })))
  json(group.command('audit').argument('[server]'))
    .description('list the changes: who, when, from where')
    .action(async (server?: string) => void (await ca({ do: 'audit', server })))
  json(group.command('rotate-keys'))
    .description('sign what is kept with a new key')
    .action(async () => void (await ca({ do: 'rotate-keys' })))
}

function json(command: Command): Command {
  return command.option('--json', 'print one JSON object')
}

const addHelpAfter = `
Nothing is kept unless every file is accepted, and a private key never is, but for
the one after --client-key.

Examples:
  pnpm sallyport ca add intranet company-root.pem issuing-ca.cer
  pnpm sallyport ca add intranet --client-cert me.pem --client-key me-key.pem
  pnpm sallyport ca test intranet
`
