import type { Command } from 'commander'
import type { CommandActions } from './command-actions.ts'
import type { NewKey } from './commands/access.ts'

/** Adds `keys`, `grants` and `oauth`: who may use what is exposed. */
export function addAccessCommands(
  program: Command,
  { access }: Pick<CommandActions, 'access'>,
): void {
  const keys = program.command('keys').description('API keys of profiles')
  json(keys.command('create'))
    .description('make a key; it is shown once')
    .requiredOption('--profile <name>', 'the profile it is good for')
    .option('--name <text>', 'what it is for')
    .option('--expires <duration>', 'how long it is good for, such as 30d')
    .action(async (key: NewKey) => void (await access({ do: 'create-key', key })))
  json(keys.command('list'))
    .description('list the keys, and when each was last used')
    .action(async () => void (await access({ do: 'list-keys' })))
  json(keys.command('revoke').argument('<id>'))
    .description('end a key')
    .action(async (id: string) => void (await access({ do: 'revoke-key', id })))

  const grants = program.command('grants').description('what clients have been allowed')
  json(grants.command('list'))
    .description('list the grants')
    .action(async () => void (await access({ do: 'list-grants' })))
  json(grants.command('revoke').argument('<id>'))
    .description('end a grant and every token that came from it')
    .action(async (id: string) => void (await access({ do: 'revoke-grant', id })))

  const oauth = program.command('oauth').description('the keys that access tokens are signed with')
  json(oauth.command('rotate-keys'))
    .description('sign access tokens with a new key')
    .action(async () => void (await access({ do: 'rotate-keys' })))
}

function json(command: Command): Command {
  return command.option('--json', 'print one JSON object')
}
