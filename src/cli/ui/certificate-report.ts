import type { LocalCertificateDescription } from '../../tls/describe-certificate.ts'
import { formatFingerprint } from './fingerprint.ts'
import { count, formatProse, formatRow, rowIndent, wrapText } from './layout.ts'
import type { Screen } from './styler.ts'

/** What `certs show` and `certs renew` print. */
export function formatCertificate(
  description: LocalCertificateDescription,
  options: {
    screen: Screen
    action: 'show' | 'renew'
    wasRenewed: boolean
    /** The folder of our own authority, where one was set. */
    caRoot?: string | undefined
  },
): string {
  const { screen } = options
  const { leaf, authority, files, source } = description
  const path = (file: string | undefined) => (file === undefined ? [] : [file])
  return [
    '',
    ...formatOutcome(options),
    ...formatRow('Source', [nameSource(source, options.caRoot)], screen),
    ...formatRow('Signed by', [authority?.subject ?? leaf.issuer], screen),
    ...formatRow('Names', wrapText(leaf.names.join(', '), screen.columns - rowIndent), screen),
    ...formatRow('Valid', formatValidity(leaf, screen), screen),
    ...formatRow('SHA-256', formatFingerprint(leaf.fingerprint256, { label: '', screen }), screen),
    ...formatRow('Files', [files.cert, files.key], screen),
    ...formatRow('CA', path(files.ca), screen),
    ...formatRow('Bundle', path(files.bundle), screen),
    ...formatTrust(files, screen),
    '',
  ].join('\n')
}

function nameSource(source: LocalCertificateDescription['source'], caRoot?: string): string {
  if (source === 'mkcert') return "mkcert's authority"
  if (source === 'files') return 'your own files (SSL_CERT_PATH and SSL_KEY_PATH)'
  return `Sallyport's own authority, in ${caRoot ?? "your user's data folder"}`
}

function formatOutcome({
  screen,
  action,
  wasRenewed,
}: {
  screen: Screen
  action: 'show' | 'renew'
  wasRenewed: boolean
}): string[] {
  if (action === 'show') return []
  const text = wasRenewed
    ? 'Renewed the certificate. The authority is the same, so nothing has to be trusted anew; a running gateway takes it over within the hour, or when it is started again.'
    : 'The certificate is your own, so it is not ours to renew; it was only read again.'
  return [...formatProse(text, screen), '']
}

function formatValidity(
  { notBefore, notAfter, daysLeft, isValid }: LocalCertificateDescription['leaf'],
  { style }: Screen,
): string[] {
  const day = (date: Date) => date.toISOString().slice(0, 10)
  const text = `${day(notBefore)} to ${day(notAfter)}`
  return [isValid ? `${text}, ${count(daysLeft, 'day')} left` : style.red(`${text}: not valid now`)]
}

/** Who does not trust it by itself, and the command that changes that. */
function formatTrust({ ca }: LocalCertificateDescription['files'], screen: Screen): string[] {
  if (ca === undefined) return []
  const command = (name: string) => screen.style.cyan(`pnpm sallyport ${name}`)
  const lines = [
    `${command('trust')}  for browsers, the system and Java`,
    `${command('env')}    for Node, Python, curl, git and the like`,
  ]
  return formatRow('Trust', lines, screen)
}
