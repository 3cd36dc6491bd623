import { printable } from '../../lib/printable.ts'
import type { UpstreamDiagnosis } from '../../tls/upstream/diagnose-upstream.ts'
import type { TlsFinding } from '../../tls/upstream/tls-failures.ts'
import { formatFingerprint } from './fingerprint.ts'
import { formatCode, formatProse, margin } from './layout.ts'
import type { Screen } from './styler.ts'

/** What `ca test` prints: the chain that was seen, and what keeps it from verifying. */
export function formatDiagnosis(diagnosis: UpstreamDiagnosis, screen: Screen): string {
  const { server, url, chain, protocol, verifies, clientCertificate } = diagnosis
  const { style } = screen
  const asked = clientCertificate === 'optional' ? ', and asks for a client certificate' : ''
  return [
    ...formatProse(printable(`${server}  ${url}${protocol ? `  ${protocol}` : ''}`), screen),
    ...chain.flatMap((certificate, index) => formatLink(certificate, index, screen)),
    '',
    ...(verifies ? [margin + style.green(`It verifies${asked}.`)] : []),
    ...diagnosis.findings.flatMap((finding) => formatFinding(finding, style.red, screen)),
    ...diagnosis.cautions.flatMap((caution) => formatFinding(caution, style.yellow, screen)),
  ].join('\n')
}

function formatFinding(
  { message, fix, command }: TlsFinding,
  colour: (text: string) => string,
  screen: Screen,
): string[] {
  return [
    ...formatProse(printable(message), screen).map(colour),
    ...formatProse(printable(fix), screen),
    ...(command === undefined ? [] : formatCode(command, screen).map(screen.style.cyan)),
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
    ...formatProse(printable(`  ${index} ${subject}`), screen),
    ...[`issued by ${issuer}`, ...covered].flatMap((text) =>
      formatProse(printable(`    ${text}`), screen),
    ),
    `${margin}    ${isValid ? validity : style.red(validity)}`,
    ...formatFingerprint(fingerprint256, { label: 'SHA-256 ', screen }).map(
      (line) => `${margin}    ${line}`,
    ),
  ]
}
