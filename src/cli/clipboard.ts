import { spawn } from 'node:child_process'

/** How a text got to the clipboard. `terminal`: the terminal was asked (OSC 52) and may refuse. */
export type CopyResult = { by: 'command'; command: string } | { by: 'terminal' }

interface ClipboardOptions {
  readonly platform: NodeJS.Platform
  /** Writes an escape sequence to the terminal. */
  readonly writeTerminal: (sequence: string) => void
}

/** Copies text with the first command that works, else by asking the terminal. */
export async function copyToClipboard(
  text: string,
  { platform, writeTerminal }: ClipboardOptions,
): Promise<CopyResult> {
  for (const [command, ...args] of clipboardCommands(platform)) {
    if (command && (await pipeInto(text, { command, args }))) return { by: 'command', command }
  }
  writeTerminal(osc52(text))
  return { by: 'terminal' }
}

/**
 * The commands that set the clipboard on a platform, best first.
 * @internal
 */
export function clipboardCommands(platform: NodeJS.Platform): readonly string[][] {
  if (platform === 'darwin') return [['pbcopy']]
  if (platform === 'win32') return [['clip.exe']]
  // Without its display each of the first three fails; clip.exe is there under WSL.
  return [
    ['wl-copy'],
    ['xclip', '-selection', 'clipboard'],
    ['xsel', '--clipboard', '--input'],
    ['clip.exe'],
    ['termux-clipboard-set'],
  ]
}

/**
 * The sequence that asks a terminal, also over SSH, to set its clipboard (xterm "OSC 52").
 * @internal
 */
export function osc52(text: string): string {
  return `\x1b]52;c;${Buffer.from(text).toString('base64')}\x07`
}

function pipeInto(
  text: string,
  { command, args }: { command: string; args: readonly string[] },
): Promise<boolean> {
  return new Promise((resolve) => {
    // wl-copy and xclip stay behind to serve the selection, so their end is 'exit' and not 'close'.
    const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'], timeout: 2000 })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
    // EPIPE of a command that did not want to read: its exit code tells.
    child.stdin.on('error', () => {})
    child.stdin.end(text)
  })
}
