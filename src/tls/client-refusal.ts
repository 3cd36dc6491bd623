import type { TLSSocket } from 'node:tls'
import { shellQuote } from '../lib/shell.ts'

/** Why a handshake with a client failed, as far as the server can know. */
type HandshakeFailure = 'refused' | 'hung-up' | 'other'

/** The alerts (RFC 8446 6.2) of clients that do not take a certificate. */
const certificateAlerts: Readonly<Record<string, string>> = {
  UNKNOWN_CA: 'it does not know our authority (alert 48, unknown_ca)',
  BAD_CERTIFICATE: 'it does not take the certificate (alert 42, bad_certificate)',
  CERTIFICATE_UNKNOWN: 'it does not trust the certificate (alert 46, certificate_unknown)',
  CERTIFICATE_EXPIRED: 'to its clock the certificate has expired (alert 45, certificate_expired)',
  UNSUPPORTED_CERTIFICATE: 'it cannot use such a certificate (alert 43, unsupported_certificate)',
}

function alertIn(code: string | undefined): string {
  return /ALERT_(.+)$/.exec(code ?? '')?.[1] ?? ''
}

/** What a client had said before it failed. */
interface Greeting {
  /** The host it asked for; undefined when it came by an address, or never got so far. */
  readonly servername: string | undefined
  /** Whether it said anything at all. */
  readonly spoke: boolean
}

/** The greeting of a connection whose handshake failed. */
export function greetingOf(socket: TLSSocket): Greeting {
  const { servername } = socket as { servername?: string | false | null }
  // Node gives the encrypted side no count of what arrived; where it is gone, nobody has spoken.
  const { _parent: wire } = socket as { _parent?: { readonly bytesRead: number } }
  return { servername: servername || undefined, spoke: (wire?.bytesRead ?? 0) > 0 }
}

/**
 * Judges the error of a failed handshake by its code. `refused`: the client said by an alert
 * that it does not take our certificate. `hung-up`: it went away after its greeting,
 * which Node and Bun do instead of sending the alert.
 */
export function judgeFailure(
  code: string | undefined,
  { servername, spoke }: Greeting,
): HandshakeFailure {
  if (Object.hasOwn(certificateAlerts, alertIn(code))) return 'refused'
  return code === 'ECONNRESET' && (servername !== undefined || spoke) ? 'hung-up' : 'other'
}

/** The failure in plain words: the rest of a sentence about the client. */
export function explainRefusal(code: string | undefined, failure: HandshakeFailure): string {
  if (failure === 'hung-up') {
    return 'it hung up when it saw the certificate, as Node does that does not know our authority'
  }
  const known = certificateAlerts[alertIn(code)]
  if (known !== undefined) return known
  if (alertIn(code) === 'PROTOCOL_VERSION') {
    return 'it speaks an older TLS than 1.2 (alert 70, protocol_version)'
  }
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'it speaks plain HTTP to the HTTPS port'
  if (code === 'ECONNRESET') return 'it hung up before the handshake was over'
  return `the handshake failed (${code ?? 'no code'})`
}

const quietMs = 60_000

/** What a client was shown. */
interface Shown {
  readonly names: readonly string[]
  /** Undefined when the root is not ours to give. */
  readonly caFile: string | undefined
  /** Whether connections to addresses get a certificate of their own, which BoringSSL refuses. */
  readonly isConstrained: boolean
}

/**
 * Creates what turns failed handshakes into warnings, at most one a minute: a client that does not
 * trust us tries again and again.
 */
export function createRefusalWarner({ now, shown }: { now: () => number; shown: () => Shown }) {
  let quietUntil = Number.NEGATIVE_INFINITY
  return ({ code }: Pick<NodeJS.ErrnoException, 'code'>, greeting: Greeting) => {
    const failure = judgeFailure(code, greeting)
    if (failure === 'other' || now() < quietUntil) return undefined
    quietUntil = now() + quietMs
    const warning = describeRefusal(failure, greeting.servername, shown())
    return { code: 'CLIENT_REFUSED_CERTIFICATE' as const, ...warning }
  }
}

function describeRefusal(
  failure: 'refused' | 'hung-up',
  servername: string | undefined,
  { names, caFile, isConstrained }: Shown,
): { message: string; hint: string } {
  if (servername !== undefined && !covers(names, servername)) {
    return {
      message: `A client asked for ${JSON.stringify(servername)}, which the certificate does not cover, and refused it.`,
      hint: 'Use the printed address, or add a name under .localhost to "allowedHosts" in the configuration file.',
    }
  }
  const why =
    caFile === undefined ? 'it does not know who signed it' : 'it does not know our authority'
  const hint =
    caFile === undefined
      ? 'Tell it to trust the root of your certificate (SSL_CERT_PATH).'
      : `Start it with what \`pnpm sallyport env\` prints, such as NODE_EXTRA_CA_CERTS=${shellQuote(caFile)}; browsers are told by \`pnpm sallyport trust\`.`
  if (servername === undefined && isConstrained) {
    const did = failure === 'refused' ? 'refused' : 'hung up when it saw'
    return {
      message: `A client that came by an address, such as https://127.0.0.1, ${did} the certificate: ${why}, or it is one like Claude Code or Bun, which takes none there (UNSUPPORTED_CONSTRAINT_TYPE).`,
      hint: `Give it https://localhost instead of the address. ${hint}`,
    }
  }
  const message =
    failure === 'refused'
      ? `A client refused the certificate: ${why}.`
      : `A client hung up when it saw the certificate, as Node programs do: ${why}.`
  return { message, hint }
}

/** RFC 6125 6.4.3: a wildcard stands for the first label and nothing else. */
function covers(names: readonly string[], servername: string): boolean {
  const name = servername.toLowerCase()
  return names.includes(name) || names.includes(name.replace(/^[^.]+/, '*'))
}
