import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { openCertificate } from '../../gateway/open-certificate.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLogger } from '../../lib/logger.ts'
import { count } from '../../lib/wording.ts'
import { readCertificateFiles } from '../../tls/certificate-files.ts'
import {
  lookAtAuthority,
  lookAtCertificate,
  ownCertificateFiles,
} from '../../tls/configured-certificate.ts'
import { describeLocalFiles, type LocalCertificateDescription } from '../../tls/local-files.ts'
import type { World } from '../output.ts'
import type { Screen } from '../ui/screen.ts'

/**
 * Shows the local certificate, renewed before with `renew`. Resolves with the exit code.
 * @throws UserError when the configuration or the certificate cannot be used
 */
export async function runCerts(
  action: 'show' | 'renew',
  { output, process }: World,
): Promise<number> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  if (action === 'renew') await renew(config, output.log)
  const { description, authorityFolder } = await look(config)
  const wasRenewed = action === 'renew' && description?.source !== 'files'
  output.data({ renewed: wasRenewed, ...description, authorityFolder })
  output.answer(
    description
      ? formatCertificate(description, {
          screen: output.stdout,
          authorityFolder,
          action,
          wasRenewed,
        })
      : '  There is no local certificate yet: the first start makes one, or `pnpm sallyport certs renew`.',
  )
  return 0
}

/** Makes a new local certificate in the place of the one there is. */
async function renew(config: ResolvedConfig, write: (line: string) => void): Promise<void> {
  const logger = createLogger({ level: config.logLevel, destination: { write } })
  const certificate = await openCertificate(config, { file: () => config, logger })
  try {
    await certificate.renew()
    await certificate.bundleWritten()
  } finally {
    await certificate.close()
  }
}

/** Looks at what there is; the description is undefined before the first start. */
async function look(config: ResolvedConfig) {
  const readText = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const now = systemClock.now()
  const own = ownCertificateFiles(config)
  // Says what is wrong with them.
  if (own) await readCertificateFiles({ ...own, now })
  const authority = await lookAtAuthority(config)
  const files = await lookAtCertificate(config, { readText, now })
  const source = own ? 'files' : (authority?.source ?? 'own-ca')
  return {
    description: describeLocalFiles(files, { source, now }),
    authorityFolder: own || !authority ? undefined : dirname(authority.file),
  }
}

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
): string[] {
  const { screen } = options
  const { certificates, authority, bundleFile } = description
  const issuer = authority?.subject ?? certificates[0]?.issuer ?? ''
  return [
    '',
    ...formatOutcome(options),
    ...screen.row('Source', sourceOf(description, options)),
    ...certificates.flatMap((certificate) => [
      '',
      ...screen.row('Served', [certificate.file, certificate.keyFile]),
      ...screen.row('SHA-256', screen.fingerprint(certificate.fingerprint256)),
      ...screen.row('Names', screen.wrap(certificate.names.join(', '))),
      ...screen.row('Valid', formatValidity(certificate, screen)),
    ]),
    '',
    ...screen.row('Signed by', [issuer]),
    ...(authority
      ? [
          ...screen.row('CA', [authority.file]),
          ...screen.row('SHA-256', screen.fingerprint(authority.fingerprint256)),
        ]
      : []),
    ...screen.row('Bundle', bundleFile === undefined ? [] : [bundleFile]),
    ...(authority ? formatTrust(screen) : []),
    '',
  ]
}

function sourceOf(
  { source }: LocalCertificateDescription,
  { authorityFolder, screen }: ReportOptions,
): string[] {
  const folder = authorityFolder === undefined ? [] : [`in ${authorityFolder}`]
  return [...screen.wrap(sources[source]), ...folder]
}

const sources: Readonly<Record<LocalCertificateDescription['source'], string>> = {
  'own-ca': "Sallyport's own authority",
  mkcert: "mkcert's authority",
  files: 'your own files (SSL_CERT_PATH and SSL_KEY_PATH)',
}

function formatOutcome({ screen, action, wasRenewed }: ReportOptions): string[] {
  if (action === 'show') return []
  const text = wasRenewed
    ? 'Renewed the certificate. The authority is the same, so nothing has to be trusted anew; a running gateway takes it over by itself.'
    : 'The certificate is your own, so it is not ours to renew; it was only read again.'
  return [...screen.prose(text), '']
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
  return screen.row('Trust', lines)
}
