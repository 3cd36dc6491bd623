import { printable } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import type { BundleCertificate, BundleDescription } from '../../tls/upstream/describe-bundle.ts'
import type { FileVerdict } from '../../tls/upstream/judge-files.ts'
import type { AuditEntry, BundleOutcome } from '../../tls/upstream/upstream-bundles.ts'
import { formatFingerprint } from './fingerprint.ts'
import { formatProse, margin } from './layout.ts'
import type { Screen } from './styler.ts'

/** What became of the files of `ca add`, one by one. */
export function formatOutcome(
  server: string,
  { accepted, stored, files, bundle }: BundleOutcome,
  screen: Screen,
): string {
  return [
    ...files.flatMap((file) => formatFile(file, screen)),
    '',
    ...formatProse(summaryOf(server, { accepted, stored }), screen),
    ...(accepted && bundle ? formatMissing(server, bundle, screen) : []),
  ].join('\n')
}

/** What `ca list` prints. */
export function formatBundles(bundles: readonly BundleDescription[], screen: Screen): string {
  if (bundles.length === 0) {
    return '  No CA bundle is kept. `sallyport ca add <server> <files>` adds one.'
  }
  return bundles.map((bundle) => formatBundle(bundle, screen).join('\n')).join('\n\n')
}

/** What `ca audit` prints. */
export function formatAudit(entries: readonly AuditEntry[]): string {
  if (entries.length === 0) return '  Nothing was changed yet.'
  return entries
    .map(({ at, action, server, by, from, before, after, reason }) => {
      const when = new Date(at).toISOString().replace('T', ' ').slice(0, 19)
      const what = server === '' ? action : `${action} ${server}`
      const change = reason ? printable(reason) : `${short(before)} -> ${short(after)}`
      return `${margin}${when}  ${printable(`${what}  by ${by} from ${from}`)}  ${change}`
    })
    .join('\n')
}

function summaryOf(
  server: string,
  { accepted, stored }: Pick<BundleOutcome, 'accepted' | 'stored'>,
): string {
  if (!accepted) return 'Nothing was changed: every file has to be accepted.'
  return stored
    ? `New connections to ${server} use this. \`pnpm sallyport ca test ${server}\` tries it.`
    : 'Nothing was changed: all of it is kept already.'
}

function formatFile({ file, accepted, message, certificates }: FileVerdict, screen: Screen) {
  const { style } = screen
  const isExplained = !accepted && certificates.length > 0
  const headline = `${file}  ${isExplained ? 'Refused:' : message}`
  return [
    ...formatProse(printable(headline), screen).map((line) => (accepted ? line : style.red(line))),
    ...certificates.flatMap(({ verdict, subject, message: why, line, notAfter }) => [
      ...formatProse(
        printable(
          `  ${verdict.padEnd(13)} ${subject ?? (line === undefined ? 'the file' : `line ${line}`)}${notAfter === undefined ? '' : `, until ${day(notAfter)}`}`,
        ),
        screen,
      ),
      ...formatProse(printable(`    ${why}`), screen).map(style.dim),
    ]),
  ]
}

function formatBundle(bundle: BundleDescription, screen: Screen): string[] {
  const { server, problem, hint, certificates, clientCertificate, fingerprint, changed } = bundle
  const { style } = screen
  if (problem !== undefined) {
    return [
      `${margin}${style.bold(printable(server))}  ${style.red('refused')}`,
      ...formatProse(printable(`  ${problem}`), screen),
      ...formatProse(printable(`  ${hint ?? ''}`), screen),
    ]
  }
  const by = changed ? `, changed ${day(changed.at)} by ${changed.by} from ${changed.from}` : ''
  return [
    `${margin}${style.bold(printable(server))}  ${count(certificates.length, 'certificate')}${printable(by)}`,
    ...certificates.flatMap((one) => formatCertificate(one.kind, one, screen)),
    ...(clientCertificate ? formatCertificate('client', clientCertificate, screen) : []),
    ...formatMissing(server, bundle, screen),
    ...formatFingerprint(fingerprint ?? '', { label: '  all together  ', screen }).map(
      (line) => margin + line,
    ),
  ]
}

function formatCertificate(
  kind: string,
  { subject, notAfter, daysLeft, fingerprint256 }: Omit<BundleCertificate, 'kind'>,
  screen: Screen,
): string[] {
  const { style } = screen
  const end = daysLeft < 0 ? 'expired' : `${count(daysLeft, 'day')} left`
  const validity = `until ${day(notAfter)}, ${end}`
  return [
    `${margin}  ${kind.padEnd(13)} ${printable(subject)}`,
    `${margin}    ${daysLeft < 30 ? style.red(validity) : validity}`,
    ...formatFingerprint(fingerprint256, { label: '', screen }).map(
      (line) => `${margin}    ${line}`,
    ),
  ]
}

function formatMissing(server: string, { missing }: BundleDescription, screen: Screen): string[] {
  if (missing.length === 0) return []
  return [
    ...missing.flatMap(({ message }) => formatProse(printable(`  ${message}`), screen)),
    ...formatProse(`  \`pnpm sallyport ca test ${server}\` tells whether it is needed.`, screen),
  ]
}

function short(fingerprint: string | undefined): string {
  return fingerprint?.slice(0, 11) ?? 'none'
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
