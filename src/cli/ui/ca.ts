import { printable } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import type { BundleCertificate, BundleDescription } from '../../tls/upstream/describe-bundle.ts'
import type { UpstreamDiagnosis } from '../../tls/upstream/diagnose-upstream.ts'
import type { FileVerdict } from '../../tls/upstream/judge-files.ts'
import type { TlsFinding } from '../../tls/upstream/tls-failures.ts'
import type { AuditEntry, BundleOutcome } from '../../tls/upstream/upstream-bundles.ts'
import { margin, type Screen } from './screen.ts'

/** What became of the files of `ca add`, one by one. */
export function formatOutcome(
  server: string,
  { accepted, stored, files, bundle }: BundleOutcome,
  screen: Screen,
): string[] {
  return [
    ...files.flatMap((file) => formatFile(file, screen)),
    '',
    ...screen.prose(summaryOf(server, { accepted, stored })),
    ...(accepted && bundle ? formatMissing(server, bundle, screen) : []),
  ]
}

/** What `ca list` prints. */
export function formatBundles(bundles: readonly BundleDescription[], screen: Screen): string[] {
  if (bundles.length === 0) {
    return ['  No CA bundle is kept. `sallyport ca add <server> <files>` adds one.']
  }
  return bundles.flatMap((bundle, index) => [
    ...(index > 0 ? [''] : []),
    ...formatBundle(bundle, screen),
  ])
}

/** What `ca audit` prints. */
export function formatAudit(entries: readonly AuditEntry[]): string[] {
  if (entries.length === 0) return ['  Nothing was changed yet.']
  return entries.map(({ at, action, server, by, from, before, after, reason }) => {
    const when = new Date(at).toISOString().replace('T', ' ').slice(0, 19)
    const what = server === '' ? action : `${action} ${server}`
    const change = reason ? printable(reason) : `${short(before)} -> ${short(after)}`
    return `${margin}${when}  ${printable(`${what}  by ${by} from ${from}`)}  ${change}`
  })
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
    ...screen.prose(headline).map((line) => (accepted ? line : style.red(line))),
    ...certificates.flatMap(({ verdict, subject, message: why, line, notAfter }) => [
      ...screen.prose(
        `  ${verdict.padEnd(13)} ${subject ?? (line === undefined ? 'the file' : `line ${line}`)}${notAfter === undefined ? '' : `, until ${day(notAfter)}`}`,
      ),
      ...screen.prose(`    ${why}`).map(style.dim),
    ]),
  ]
}

function formatBundle(bundle: BundleDescription, screen: Screen): string[] {
  const { server, problem, hint, certificates, clientCertificate, fingerprint, changed } = bundle
  const { style } = screen
  if (problem !== undefined) {
    return [
      `${margin}${style.bold(printable(server))}  ${style.red('refused')}`,
      ...screen.prose(`  ${problem}`),
      ...screen.prose(`  ${hint ?? ''}`),
    ]
  }
  const by = changed ? `, changed ${day(changed.at)} by ${changed.by} from ${changed.from}` : ''
  return [
    `${margin}${style.bold(printable(server))}  ${count(certificates.length, 'certificate')}${printable(by)}`,
    ...certificates.flatMap((one) => formatCertificate(one.kind, one, screen)),
    ...(clientCertificate ? formatCertificate('client', clientCertificate, screen) : []),
    ...formatMissing(server, bundle, screen),
    ...screen.fingerprint(fingerprint ?? '', '  all together  ').map((line) => margin + line),
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
    ...screen.fingerprint(fingerprint256).map((line) => `${margin}    ${line}`),
  ]
}

function formatMissing(server: string, { missing }: BundleDescription, screen: Screen): string[] {
  if (missing.length === 0) return []
  return [
    ...missing.flatMap(({ message }) => screen.prose(`  ${message}`)),
    ...screen.prose(`  \`pnpm sallyport ca test ${server}\` tells whether it is needed.`),
  ]
}

function short(fingerprint: string | undefined): string {
  return fingerprint?.slice(0, 11) ?? 'none'
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** What `ca test` prints: the chain that was seen, and what keeps it from verifying. */
export function formatDiagnosis(diagnosis: UpstreamDiagnosis, screen: Screen): string[] {
  const { server, url, chain, protocol, verifies, clientCertificate } = diagnosis
  const { style } = screen
  const asked = clientCertificate === 'optional' ? ', and asks for a client certificate' : ''
  return [
    ...screen.prose(`${server}  ${url}${protocol ? `  ${protocol}` : ''}`),
    ...chain.flatMap((certificate, index) => formatLink(certificate, index, screen)),
    '',
    ...(verifies ? [margin + style.green(`It verifies${asked}.`)] : []),
    ...diagnosis.findings.flatMap((finding) => formatFinding(finding, style.red, screen)),
    ...diagnosis.cautions.flatMap((caution) => formatFinding(caution, style.yellow, screen)),
  ]
}

function formatFinding(
  { message, fix, command }: TlsFinding,
  colour: (text: string) => string,
  screen: Screen,
): string[] {
  return [
    ...screen.prose(message).map(colour),
    ...screen.prose(fix),
    ...(command === undefined ? [] : screen.code(command)),
  ]
}

function formatLink(
  certificate: UpstreamDiagnosis['chain'][number],
  index: number,
  screen: Screen,
): string[] {
  const { subject, issuer, names, notBefore, notAfter, isValid, fingerprint256 } = certificate
  const { style } = screen
  const day = (date: Date) => date.toISOString().slice(0, 10)
  const validity = `valid ${day(notBefore)} to ${day(notAfter)}`
  const covered = names.length > 0 ? [`for ${names.slice(0, 20).join(', ')}`] : []
  return [
    ...screen.prose(`  ${index} ${subject}`),
    ...[`issued by ${issuer}`, ...covered].flatMap((text) => screen.prose(`    ${text}`)),
    `${margin}    ${isValid ? validity : style.red(validity)}`,
    ...screen.fingerprint(fingerprint256, 'SHA-256 ').map((line) => `${margin}    ${line}`),
  ]
}
