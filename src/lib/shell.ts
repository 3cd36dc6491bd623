import { basename } from 'node:path'

export const shellNames = ['bash', 'zsh', 'fish', 'powershell', 'cmd'] as const
export type ShellName = (typeof shellNames)[number]

/** The shell the environment hints at; a POSIX shell without a name of its own counts as bash. */
export function detectShell(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): ShellName {
  const name = basename(env.SHELL ?? '').replace(/\.exe$/, '')
  const known = shellNames.find((shell) => shell === name)
  if (known) return known
  if (name === 'pwsh') return 'powershell'
  if (platform !== 'win32' || env.SHELL) return 'bash'
  // Only cmd.exe puts its prompt into the environment.
  return env.PROMPT ? 'cmd' : 'powershell'
}

/** The line that sets a variable for whatever this shell starts from now on. */
export function exportLine(shell: ShellName, name: string, value: string): string {
  switch (shell) {
    case 'bash':
    case 'zsh':
      return `export ${name}=${shellQuote(value)}`
    case 'fish':
      return `set -gx ${name} ${fishQuote(value)}`
    case 'powershell':
      return `$env:${name} = ${powershellQuote(value)}`
    case 'cmd':
      return `set ${cmdQuote(`${name}=${value}`)}`
  }
}

/**
 * A comment of one line. Letters that mean something to a shell are replaced, because a prompt that
 * knows no comments, as zsh's does by default, would act on them.
 */
export function commentLine(shell: ShellName, text: string): string {
  const safe = text.replaceAll(/[\p{Cc}'"`$&|;<>()*?[\]{}!^%~]/gu, ' ')
  return `${shell === 'cmd' ? 'rem' : '#'} ${safe}`
}

/** How to run `command` so that this shell takes over what it prints; undefined: by pasting. */
export function evalLine(shell: ShellName, command: string): string | undefined {
  switch (shell) {
    case 'bash':
    case 'zsh':
      return `eval "$(${command})"`
    case 'fish':
      return `${command} | source`
    case 'powershell':
      return `${command} | Out-String | Invoke-Expression`
    case 'cmd':
      return undefined
  }
}

/** `value` as one word of a POSIX shell: as it is when that is safe, else in single quotes. */
export function shellQuote(value: string): string {
  if (/^[\w/:=.,@%+-]+$/.test(value)) return value
  return `'${value.replaceAll("'", `'\\''`)}'`
}

/** `value` as one word of PowerShell, always in single quotes. */
export function powershellQuote(value: string): string {
  // PowerShell takes typographic single quotes for the plain one.
  return `'${value.replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`
}

/** `value` as one word of fish, always in single quotes. */
function fishQuote(value: string): string {
  return `'${value.replaceAll(/['\\]/g, '\\$&')}'`
}

/**
 * `NAME=value` as one word of cmd.exe. What cannot stand there, a double quote or a line feed, is in
 * no path of Windows; a `%` stays as it is unless two of them enclose the name of a variable.
 */
function cmdQuote(assignment: string): string {
  return `"${assignment.replaceAll(/["\r\n]/g, '')}"`
}
