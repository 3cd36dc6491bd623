import { count } from '../../lib/wording.ts'
import type { LocalCertificateDescription } from '../../tls/local-files.ts'
import { formatFingerprint } from './fingerprint.ts'
import { formatProse, formatRow, rowIndent, wrapText } from './layout.ts'
import type { Screen } from './styler.ts'

interface ReportOptions {
  readonly screen: Screen
  readonly action: 'show' | 'renew'
  readonly wasRenewed: boolean
  /** Where the authority is that signs. */
  readonly authorityFolder: string | undefined
}

/** What `certs show` and `certs renew` print: each certificate with its own file and fingerprint. */
export function formatCertificate(
  description: LocalCertificateDescription,
  options: ReportOptions,
): string {
  const { screen } = options
  const { certificates, authority, bundleFile } = description
  const issuer = authority?.subject ?? certificates[0]?.issuer ?? ''
  const paths = (...files: (string | undefined)[]) => files.filter((file) => file !== undefined)
  return [
    '',
    ...formatOutcome(options),
    ...formatRow('Source', sourceOf(description, options), screen),
    ...certificates.flatMap((certificate) => [
      '',
      ...formatRow('Served', [certificate.file, certificate.keyFile], screen),
      ...formatRow('SHA-256', fingerprintOf(certificate, screen), screen),
      ...formatRow('Names', wrap(certificate.names.join(', '), screen), screen),
      ...formatRow('Valid', formatValidity(certificate, screen), screen),
    ]),
    '',
    ...formatRow('Signed by', [issuer], screen),
    ...(authority
      ? [
          ...formatRow('CA', [authority.file], screen),
          ...formatRow('SHA-256', fingerprintOf(authority, screen), screen),
        ]
      : []),
    ...formatRow('Bundle', paths(bundleFile), screen),
    ...(authority ? formatTrust(screen) : []),
    '',
  ].join('\n')
}

function sourceOf(
  { source }: LocalCertificateDescription,
  { authorityFolder, screen }: ReportOptions,
): string[] {
  const folder = authorityFolder === undefined ? [] : [`in ${authorityFolder}`]
  return [...wrap(sources[source], screen), ...folder]
}

const sources: Readonly<Record<LocalCertificateDescription['source'], string>> = {
  'own-ca': "Sallyport's own authority",
  mkcert: "mkcert's authority",
  files: 'your own files (SSL_CERT_PATH and SSL_KEY_PATH)',
}

function wrap(text: string, screen: Screen): string[] {
  return wrapText(text, screen.columns - rowIndent)
}

function fingerprintOf({ fingerprint256 }: { fingerprint256: string }, screen: Screen): string[] {
  return formatFingerprint(fingerprint256, { label: '', screen })
}

function formatOutcome({ screen, action, wasRenewed }: ReportOptions): string[] {
  if (action === 'show') return []
  const text = wasRenewed
    ? 'Renewed the certificate. The authority is the same, so nothing has to be trusted anew; a running gateway takes it over by itself.'
    : 'The certificate is your own, so it is not ours to renew; it was only read again.'
  return [...formatProse(text, screen), '']
}

function formatValidity(
  { notBefore, notAfter, daysLeft, isValid }: LocalCertificateDescription['certificates'][number],
  { style }: Screen,
): string[] {
  const day = (date: Date) => date.toISOString().slice(0, 10)
  const text = `${day(notBefore)} to ${day(notAfter)}`
  return [isValid ? `${text}, ${count(daysLeft, 'day')} left` : style.red(`${text}: not valid now`)]
}

/** Who does not trust it by itself, and the command that changes that. */
function formatTrust(screen: Screen): string[] {
  const command = (name: string) => screen.style.cyan(`pnpm sallyport ${name}`)
  const lines = [
    `${command('trust')}  for browsers, the system and Java`,
    `${command('env')}    for Node, Python, curl, git and the like`,
  ]
  return formatRow('Trust', lines, screen)
}
