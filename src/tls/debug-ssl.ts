import { X509Certificate } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type DetailedPeerCertificate, getCACertificates, TLSSocket } from 'node:tls'
import { onOneLine, readableCertificate, subjectNames } from './certificate.ts'
import { explainRefusal, greetingOf, judgeFailure } from './client-refusal.ts'
import type { HandshakeObserver } from './served-certificate.ts'

const noStore = 'none: no store holds the issuer'

/** Node tells of every socket that is made to connect: of undici, of fetch and of node:https. */
const madeSockets = 'net.client.socket'

/** What is told of one certificate. */
type ChainLink = Pick<
  X509Certificate,
  'subject' | 'issuer' | 'subjectAltName' | 'validToDate' | 'fingerprint256'
>

/** What there is to tell about one TLS connection. Holds no secret. */
interface TlsReport {
  readonly direction: 'made' | 'accepted'
  /** Address and port of the other side. */
  readonly peer: string
  /** The host name in the handshake; undefined when it named none, as for an address. */
  readonly servername: string | undefined
  /** `problem` is the rest of a sentence. */
  readonly outcome: { readonly ok: true } | { readonly ok: false; readonly problem: string }
  /** The other side's when we made the connection, ours when we accepted it; leaf first. */
  readonly chain: readonly ChainLink[]
  /** Where the root was found, or which of our certificates was served. */
  readonly source: string | undefined
  readonly protocol: string | undefined
  readonly cipher: string | undefined
  readonly alpn: string | undefined
}

/**
 * Writes a block for every TLS connection this process makes or accepts. `authority` is our own, as
 * PEM. Programs that we start are not looked into.
 */
export function createDebugSsl(options: {
  authority: () => string | undefined
  write: (block: string) => void
}): HandshakeObserver & { close(): void } {
  const storeOf = createRootStores(options.authority)
  const tell = (report: TlsReport) => options.write(formatTlsReport(report))
  const onMade = (message: unknown) => {
    const { socket } = message as { socket?: unknown }
    if (socket instanceof TLSSocket) watchMade(socket, { storeOf, tell })
  }
  subscribe(madeSockets, onMade)
  return {
    accepted: (socket) => tell(acceptedReport(socket, { ok: true })),
    failed(error, socket) {
      const failure = judgeFailure(error.code, greetingOf(socket))
      const problem = explainRefusal(error.code, failure)
      const report = acceptedReport(socket, { ok: false, problem })
      // Of other failures it is not known how far they got.
      tell(failure === 'other' ? { ...report, source: undefined } : report)
    },
    close: () => void unsubscribe(madeSockets, onMade),
  }
}

function watchMade(
  socket: TLSSocket,
  {
    storeOf,
    tell,
  }: { storeOf: (root: X509Certificate) => string; tell: (report: TlsReport) => void },
): void {
  let seen: TlsReport | undefined
  // First of all listeners: the next one destroys a connection that cannot be verified, and its
  // certificates are gone with it. Not getPeerX509Certificate(): after it Node finds no certificate
  // to compare with the host name.
  socket.prependOnceListener('secure', () => {
    const chain = chainOf(socket.getPeerCertificate(true))
    const root = chain.at(-1)
    const source = socket.isSessionReused()
      ? 'none: it resumed a connection that had been verified'
      : root && root.issuer === root.subject
        ? storeOf(root)
        : `${noStore} ${onOneLine(root?.issuer ?? '')}`
    seen = { ...channelOf(socket), direction: 'made', outcome: { ok: true }, source, chain }
  })
  socket.once('secureConnect', () => {
    // Verified without a root: the certificate itself was expected, as when we prove our own address.
    const isPinned = seen?.source?.startsWith(noStore)
    if (seen) tell(isPinned ? { ...seen, source: 'the certificate itself was expected' } : seen)
    seen = undefined
    socket.removeListener('close', onClose)
  })
  function onClose() {
    const { errored } = socket
    const code = (errored as NodeJS.ErrnoException | null)?.code
    const isTls = seen !== undefined || /^(ERR_SSL|ERR_TLS|EPROTO|ECONNRESET)/.test(code ?? '')
    if (!errored || !isTls) return
    const problem = `${errored.message} (${code ?? errored.name})`
    const bare = { ...channelOf(socket), direction: 'made' as const, source: undefined, chain: [] }
    tell({ ...(seen ?? bare), outcome: { ok: false, problem } })
  }
  socket.once('close', onClose)
}

function acceptedReport(socket: TLSSocket, outcome: TlsReport['outcome']): TlsReport {
  const channel = channelOf(socket)
  const source =
    channel.servername === undefined
      ? 'the certificate with addresses, as for connections that name no host'
      : 'the certificate for named hosts'
  const leaf = outcome.ok ? chainOf(socket.getCertificate() as Parameters<typeof chainOf>[0]) : []
  return { ...channel, direction: 'accepted', outcome, source, chain: leaf.slice(0, 1) }
}

/** The chain that Node knows of the other side, leaf first; its root when it could be verified. */
function chainOf(leaf: Partial<DetailedPeerCertificate> | null): X509Certificate[] {
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

function channelOf(
  socket: TLSSocket,
): Pick<TlsReport, 'peer' | 'servername' | 'protocol' | 'cipher' | 'alpn'> {
  const { remoteAddress, remotePort, servername, alpnProtocol } = socket
  const address = remoteAddress?.includes(':') ? `[${remoteAddress}]` : remoteAddress
  const isOpen = !socket.destroyed
  return {
    peer: address === undefined ? 'an address that is gone' : `${address}:${remotePort}`,
    servername: typeof servername === 'string' && servername !== '' ? servername : undefined,
    protocol: (isOpen && socket.getProtocol()) || undefined,
    cipher: (isOpen && socket.getCipher()?.standardName) || undefined,
    alpn: alpnProtocol || undefined,
  }
}

/** Says in which of the stores of this process a root is. Reads them when it is first asked. */
function createRootStores(authority: () => string | undefined): (root: X509Certificate) => string {
  // A root that OpenSSL cannot read verifies nothing.
  const fingerprintOf = (pem: string) => readableCertificate(pem)?.fingerprint256
  const stores = new Map<string, ReadonlySet<string | undefined>>()
  const holds = (store: 'bundled' | 'extra' | 'system', { fingerprint256 }: X509Certificate) => {
    const known = stores.get(store) ?? new Set(getCACertificates(store).map(fingerprintOf))
    stores.set(store, known)
    return known.has(fingerprint256)
  }
  return (root) => {
    const ours = authority()
    if (ours !== undefined && fingerprintOf(ours) === root.fingerprint256) {
      return 'our authority'
    }
    if (holds('bundled', root)) return 'the built-in roots'
    if (holds('extra', root)) return 'NODE_EXTRA_CA_CERTS'
    // Only what was given for the connection, or the system where Node is told to ask it.
    return holds('system', root) ? 'the roots of the system' : 'the CA bundle of this upstream'
  }
}

/**
 * A readable block for one connection. What strangers wrote cannot move the cursor.
 * @internal
 */
export function formatTlsReport(report: TlsReport): string {
  const { direction, peer, servername, outcome, chain, source } = report
  const names = chain.slice(0, 1).flatMap(subjectNames)
  const title = direction === 'made' ? `TLS to ${peer}` : `TLS from ${peer}`
  const verifier = direction === 'made' ? 'Verified' : 'Accepted'
  const channel = [report.protocol, report.cipher, `ALPN ${report.alpn ?? 'none'}`]
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Name', servername ?? 'none was named'],
    [verifier, outcome.ok ? 'yes' : `no: ${outcome.problem}`],
    [direction === 'made' ? 'Store' : 'Served', source],
    ['Channel', report.protocol && channel.filter((part) => part !== undefined).join(', ')],
    ['SANs', names.join(', ')],
    ...chain.flatMap(formatLink),
  ]
  const lines = rows.flatMap(([label, text]) =>
    text ? [`  ${label.padEnd(9)} ${text.replaceAll(/\p{Cc}/gu, '?')}`] : [],
  )
  return [title, ...lines].join('\n')
}

function formatLink(
  { subject, issuer, validToDate, fingerprint256 }: ChainLink,
  index: number,
): [string, string][] {
  const isKnown = !Number.isNaN(validToDate.getTime())
  const day = isKnown ? validToDate.toISOString().slice(0, 10) : 'an unknown day'
  return [
    [`Chain ${index}`, nameOf(subject)],
    ['', `issued by ${nameOf(issuer)}, valid until ${day}`],
    ['', `SHA-256 ${fingerprint256}`],
  ]
}

// A certificate may have no subject at all.
function nameOf(name: string | undefined): string {
  return onOneLine(name ?? '') || 'nobody'
}
