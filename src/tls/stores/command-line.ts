import { powershellQuote, shellQuote } from '../../lib/shell-quote.ts'
import type { StoreCommand } from './trust-store.ts'

/** Who runs the commands, and where. */
export interface CommandSetting {
  readonly platform: NodeJS.Platform
  readonly isRoot: boolean
}

/** Program and arguments, with sudo in front where root is needed and we are not root. */
export function argvOf(command: StoreCommand, { platform, isRoot }: CommandSetting): string[] {
  const needsSudo = command.asRoot && !isRoot && platform !== 'win32'
  return [...(needsSudo ? ['sudo'] : []), ...command.argv]
}

/** The command as a person would type it in the platform's usual shell. */
export function formatCommand(command: StoreCommand, setting: CommandSetting): string {
  const argv = argvOf(command, setting)
  return setting.platform === 'win32'
    ? ['&', ...argv.map(powershellQuote)].join(' ')
    : argv.map(shellQuote).join(' ')
}
