import type { Command } from 'commander'
import type { CommandActions, EnvFlags } from './command-actions.ts'

/** Adds `env`: whom the programs of this machine trust. */
export function addTrustCommands(program: Command, actions: Pick<CommandActions, 'env'>): void {
  program
    .command('env')
    .description('print what runtimes and clients need to trust our authority')
    .option('--shell <name>', 'bash, zsh, fish, powershell or cmd; yours unless given')
    .option('--client <name>', 'one of them only, such as java, claude-code, codex or gemini-cli')
    .option('--json', 'print one JSON object')
    .action(async (flags: EnvFlags) => void (await actions.env(flags)))
}
