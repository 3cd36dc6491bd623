import { shellQuote } from '../../lib/shell.ts'
import type { InstalledEntry, RemovalReport } from '../../tls/stores/install-authority.ts'
import type { StoreReport, StoreStatus, TrustedAuthority } from '../../tls/stores/trust-store.ts'
import type { Screen } from './screen.ts'

/** Commands that are about to be run. */
export function formatCommands(lines: readonly string[], screen: Screen): string[] {
  return ['', ...lines.flatMap((line) => screen.code(line))]
}

/** What `trust --dry-run` prints. */
export function formatPlan(commands: readonly string[], screen: Screen): string[] {
  if (commands.length === 0) return screen.prose('There is nothing to run.')
  const note = 'Nothing was run. These would be:'
  return ['', ...screen.prose(note), ...formatCommands(commands, screen), '']
}

/** What can be said of stores before the first start. */
export function formatNoAuthority(screen: Screen): string[] {
  const text =
    'There is no authority yet: the first start makes one, or `pnpm sallyport certs renew`.'
  return screen.prose(text)
}

/** How each store stands to the authority, and what follows. */
export function formatStores(
  reports: readonly StoreReport[],
  options: { authority: TrustedAuthority; screen: Screen; installed: boolean },
): string[] {
  const { authority, screen, installed } = options
  const isTrusted = reports.some(({ status }) => status.state === 'trusted')
  return [
    '',
    ...screen.row('Authority', [authority.file]),
    ...reports.flatMap((report) => formatReport(report, screen)),
    '',
    ...(installed && isTrusted ? screen.prose(afterwards) : []),
    ...(!installed && reports.some(isUntrusted)
      ? screen.prose('`pnpm sallyport trust` makes the others trust it.')
      : []),
    '',
  ]
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
  return screen.row(kind, [state, place, ...details.flatMap((text) => screen.wrap(text))])
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
): string[] {
  if (removals.length === 0 && left.length === 0) {
    return screen.prose('`sallyport trust` has installed nothing, so nothing was removed.')
  }
  const lines = removals.flatMap(({ kind, place, fingerprint256, removed, problem }) => {
    const outcome = removed ? screen.style.green('removed') : screen.style.yellow('not removed')
    const why = problem === undefined ? [] : screen.wrap(problem)
    return screen.row(kind, [outcome, place, `SHA-256 ${fingerprint256}`, ...why])
  })
  const others = left
    .filter((entry) => !removals.some((removal) => removal.place === entry.place))
    .map(({ kind, place }) => `${kind} ${place}`)
  const note =
    others.length > 0
      ? `Not looked into, as it is not here now or was not asked for: ${others.join(', ')}.`
      : ''
  return ['', ...lines, ...(note ? screen.prose(note) : []), '']
}

/** In WSL the browser usually runs on Windows, whose store none of these commands reaches. */
export function formatWslNote(file: string, screen: Screen): string[] {
  return [
    ...screen.prose(
      'This is WSL: a browser on Windows reads the store of Windows, which is told with',
    ),
    ...screen.code(`certutil.exe -user -addstore Root "$(wslpath -w ${shellQuote(file)})"`),
    '',
  ]
}
