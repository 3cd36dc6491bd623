import type { Command } from 'commander'
import type { CommandActions, EnvFlags, TrustFlags } from './command-actions.ts'

/** Adds `trust` and `env`: whom the programs of this machine trust. */
export function addTrustCommands(
  program: Command,
  actions: Pick<CommandActions, 'trust' | 'env'>,
): void {
  program
    .command('trust')
    .description('make browsers, the system and Java trust our authority')
    .option('--status', 'only say how it stands')
    .option('--undo', 'remove what was installed, of earlier authorities too')
    .option('--dry-run', 'list every command, and run none')
    .option('--only <stores>', 'some of system, nss (Firefox, Chrome on Linux) and java')
    .option('--yes', 'run the commands without asking')
    .option('--json', 'print one JSON object')
    .action(async (flags: TrustFlags) => void (await actions.trust(flags)))
  program
    .command('env')
    .description('print what runtimes and clients need to trust our authority')
    .option('--shell <name>', 'bash, zsh, fish, powershell or cmd; yours unless given')
    .option('--client <name>', 'one of them only, such as java, claude-code, codex or gemini-cli')
    .option('--json', 'print one JSON object')
    .action(async (flags: EnvFlags) => void (await actions.env(flags)))
}
