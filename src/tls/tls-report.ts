import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate } from 'node:tls'
import { onOneLine } from './certificate.ts'

/** One certificate of a chain. */
export interface ChainLink {
  readonly subject: string
  readonly issuer: string
  readonly notAfter: Date
  readonly fingerprint256: string
}

/** What there is to tell about one TLS connection. Holds no secret. */
export interface TlsReport {
  readonly direction: 'made' | 'accepted'
  /** Address and port of the other side. */
  readonly peer: string
  /** The host name in the handshake; undefined when it named none, as for an address. */
  readonly servername: string | undefined
  /** `problem` is the rest of a sentence. */
  readonly outcome: { readonly ok: true } | { readonly ok: false; readonly problem: string }
  /** The other side's when we made the connection, ours when we accepted it; leaf first. */
  readonly chain: readonly ChainLink[]
  readonly names: readonly string[]
  /** Where the root was found, or which of our certificates was served. */
  readonly source: string | undefined
  readonly protocol: string | undefined
  readonly cipher: string | undefined
  readonly alpn: string | undefined
}

/** A readable block for one connection. What strangers wrote cannot move the cursor. */
export function formatTlsReport(report: TlsReport): string {
  const { direction, peer, servername, outcome, chain, names, source } = report
  const title = direction === 'made' ? `TLS to ${peer}` : `TLS from ${peer}`
  const verifier = direction === 'made' ? 'Verified' : 'Accepted'
  const channel = [report.protocol, report.cipher, `ALPN ${report.alpn ?? 'none'}`]
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Name', servername ?? 'none was named'],
    [verifier, outcome.ok ? 'yes' : `no: ${outcome.problem}`],
    [direction === 'made' ? 'Store' : 'Served', source],
    ['Channel', report.protocol && channel.filter((part) => part !== undefined).join(', ')],
    ['SANs', names.length > 0 ? names.join(', ') : undefined],
    ...chain.flatMap((link, index) => formatLink(link, index)),
  ]
  const lines = rows.flatMap(([label, text]) =>
    text ? [`  ${label.padEnd(9)} ${text.replaceAll(/\p{Cc}/gu, '?')}`] : [],
  )
  return [title, ...lines].join('\n')
}

function formatLink(link: ChainLink, index: number): [string, string][] {
  const day = Number.isNaN(link.notAfter.getTime())
    ? 'an unknown day'
    : link.notAfter.toISOString().slice(0, 10)
  return [
    [`Chain ${index}`, link.subject],
    ['', `issued by ${link.issuer}, valid until ${day}`],
    ['', `SHA-256 ${link.fingerprint256}`],
  ]
}

/** The chain that Node knows of the other side, leaf first; its root when it could be verified. */
export function chainOf(leaf: Partial<DetailedPeerCertificate> | null): X509Certificate[] {
  const chain: X509Certificate[] = []
  const seen = new Set<unknown>()
  // A root names itself as its issuer.
  for (
    let next = leaf;
    next?.raw && !seen.has(next.fingerprint256);
    next = next.issuerCertificate ?? null
  ) {
    seen.add(next.fingerprint256)
    chain.push(new X509Certificate(next.raw))
  }
  return chain
}

export function describeLink(certificate: X509Certificate): ChainLink {
  const { subject, issuer, validToDate, fingerprint256 } = certificate
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    notAfter: validToDate,
    fingerprint256,
  }
}

function nameOf(name: string | undefined): string {
  return onOneLine(name ?? '') || 'nobody'
}
