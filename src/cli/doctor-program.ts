import type { Command } from 'commander'
import type { CommandActions } from './command-actions.ts'

/** Adds `doctor`. */
export function addDoctor(program: Command, { doctor }: Pick<CommandActions, 'doctor'>): void {
  program
    .command('doctor')
    .description('say what is wrong here and what fixes it; changes nothing')
    .option('--json', 'print one JSON object')
    .addHelpText('after', helpAfter)
    .action(async () => void (await doctor()))
}

const helpAfter = `
Looks at settings, ports, certificates, trust, tunnel, metadata and client files, with the gateway
running or without it. Ends with 1 when something fails; docs/troubleshooting.md tells more.
`
