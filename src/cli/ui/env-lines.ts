import { commentLine, evalLine, exportLine, type ShellName } from '../../lib/shell.ts'
import { formatCode, formatProse } from './layout.ts'
import type { Screen } from './styler.ts'

/** What `env` prints: nothing but lines the shell can run. */
export function formatEnv(
  shell: ShellName,
  variables: readonly { name: string; value: string | undefined; notes: readonly string[] }[],
): string {
  return variables
    .flatMap(({ name, value, notes }) => [
      ...notes.map((note) => commentLine(shell, note)),
      ...(value === undefined ? [] : [exportLine(shell, name, value)]),
    ])
    .join('\n')
}

/** How to take the lines over, for somebody who reads them in a terminal. */
export function formatEvalHelp(
  options: { shell: ShellName; client: string | undefined; others: readonly string[] },
  screen: Screen,
): string {
  const { shell, client, others } = options
  const flags = `--shell ${shell}${client === undefined ? '' : ` --client ${client}`}`
  const line = evalLine(shell, `pnpm -s sallyport env ${flags}`)
  return [
    '',
    ...formatProse(
      line ? 'Take them over in this shell with' : 'Paste them to take them over.',
      screen,
    ),
    ...(line ? formatCode(line, screen).map(screen.style.cyan) : []),
    ...formatProse(`With --client there are also ${others.join(', ')}.`, screen),
    '',
  ].join('\n')
}
