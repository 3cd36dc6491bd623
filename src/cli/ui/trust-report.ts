import { printable } from '../../lib/printable.ts'
import { shellQuote } from '../../lib/shell.ts'
import type { InstalledEntry, RemovalReport } from '../../tls/stores/install-authority.ts'
import type { StoreReport, StoreStatus, TrustedAuthority } from '../../tls/stores/trust-store.ts'
import { formatCode, formatProse, formatRow, rowIndent, wrapText } from './layout.ts'
import type { Screen } from './styler.ts'

/** Commands that are about to be run. */
export function formatCommands(lines: readonly string[], screen: Screen): string {
  return [
    '',
    ...lines.flatMap((line) => formatCode(printable(line), screen).map(screen.style.cyan)),
  ].join('\n')
}

/** What `trust --dry-run` prints. */
export function formatPlan(commands: readonly string[], screen: Screen): string {
  if (commands.length === 0) return formatProse('There is nothing to run.', screen).join('\n')
  const note = 'Nothing was run. These would be:'
  return ['', ...formatProse(note, screen), formatCommands(commands, screen), ''].join('\n')
}

/** What can be said of stores before the first start. */
export function formatNoAuthority(screen: Screen): string {
  const text =
    'There is no authority yet: the first start makes one, or `pnpm sallyport certs renew`.'
  return formatProse(text, screen).join('\n')
}

/** How each store stands to the authority, and what follows. */
export function formatStores(
  reports: readonly StoreReport[],
  options: { authority: TrustedAuthority; screen: Screen; installed: boolean },
): string {
  const { authority, screen, installed } = options
  const isTrusted = reports.some(({ status }) => status.state === 'trusted')
  return [
    '',
    ...formatRow('Authority', [authority.file], screen),
    ...reports.flatMap((report) => formatReport(report, screen)),
    '',
    ...(installed && isTrusted ? formatProse(afterwards, screen) : []),
    ...(!installed && reports.some(isUntrusted)
      ? formatProse('`pnpm sallyport trust` makes the others trust it.', screen)
      : []),
    '',
  ].join('\n')
}

const afterwards =
  'Restart browsers that are open. Node and Python read none of these stores: `pnpm sallyport env` prints what they need. `pnpm sallyport trust --undo` takes everything back.'

function isUntrusted({ status }: StoreReport): boolean {
  return status.state === 'not-trusted' || status.state === 'stale'
}

function formatReport({ kind, place, status, problem }: StoreReport, screen: Screen): string[] {
  const { style } = screen
  const state =
    status.state === 'trusted' ? style.green(words.trusted) : style.yellow(words[status.state])
  const details = [...explain(status), ...(problem === undefined ? [] : [problem])]
  return formatRow(
    kind,
    [
      state,
      place,
      ...details.flatMap((text) => wrapText(printable(text), screen.columns - rowIndent)),
    ],
    screen,
  )
}

const words: Readonly<Record<StoreStatus['state'], string>> = {
  trusted: 'trusted',
  'not-trusted': 'not trusted',
  stale: 'stale',
  'not-present': 'not present',
}

function explain(status: StoreStatus): string[] {
  if (status.state === 'not-present') {
    return [status.reason, ...(status.hint === undefined ? [] : [status.hint])]
  }
  if (status.earlier.length === 0) return []
  const list = status.earlier.join(', ')
  return status.state === 'stale'
    ? [`It trusts an earlier authority of the same name, which has been replaced: ${list}.`]
    : [`It trusts an earlier authority of the same name as well: ${list}.`]
}

/** What `trust --undo` took out, and what it could not. */
export function formatRemovals(
  removals: readonly RemovalReport[],
  { left, screen }: { left: readonly InstalledEntry[]; screen: Screen },
): string {
  if (removals.length === 0 && left.length === 0) {
    return formatProse(
      '`sallyport trust` has installed nothing, so nothing was removed.',
      screen,
    ).join('\n')
  }
  const lines = removals.flatMap(({ kind, place, fingerprint256, removed, problem }) => {
    const outcome = removed ? screen.style.green('removed') : screen.style.yellow('not removed')
    const why =
      problem === undefined ? [] : wrapText(printable(problem), screen.columns - rowIndent)
    return formatRow(kind, [outcome, place, `SHA-256 ${fingerprint256}`, ...why], screen)
  })
  const others = left
    .filter((entry) => !removals.some((removal) => removal.place === entry.place))
    .map(({ kind, place }) => `${kind} ${place}`)
  const note =
    others.length > 0
      ? `Not looked into, as it is not here now or was not asked for: ${others.join(', ')}.`
      : ''
  return ['', ...lines, ...(note ? formatProse(note, screen) : []), ''].join('\n')
}

/** In WSL the browser usually runs on Windows, whose store none of these commands reaches. */
export function formatWslNote(file: string, screen: Screen): string {
  return [
    ...formatProse(
      'This is WSL: a browser on Windows reads the store of Windows, which is told with',
      screen,
    ),
    ...formatCode(
      `certutil.exe -user -addstore Root "$(wslpath -w ${shellQuote(file)})"`,
      screen,
    ).map(screen.style.cyan),
    '',
  ].join('\n')
}
