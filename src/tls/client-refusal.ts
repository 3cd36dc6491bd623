import type { TLSSocket } from 'node:tls'

/** Why a handshake with a client failed, as far as the server can know. */
export type HandshakeFailure = 'refused' | 'hung-up' | 'other'

const certificateAlert =
  /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|UNSUPPORTED_CERTIFICATE)$/

/** What a client had said before it failed. */
export interface Greeting {
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
 * (RFC 8446 6.2) that it does not take our certificate. `hung-up`: it went away after its greeting,
 * which Node and Bun do instead of sending the alert.
 */
export function judgeFailure(
  code: string | undefined,
  { servername, spoke }: Greeting,
): HandshakeFailure {
  if (code !== undefined && certificateAlert.test(code)) return 'refused'
  return code === 'ECONNRESET' && (servername !== undefined || spoke) ? 'hung-up' : 'other'
}

/** The failure in plain words: the rest of a sentence about the client. */
export function explainFailure(code: string | undefined, failure: HandshakeFailure): string {
  if (failure === 'hung-up') {
    return 'it hung up when it saw the certificate, as Node does that does not know our authority'
  }
  const alert = code === undefined ? undefined : /ALERT_(.+)$/.exec(code)?.[1]
  const known = alert === undefined ? undefined : alerts[alert]
  if (known !== undefined) return known
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'it speaks plain HTTP to the HTTPS port'
  if (code === 'ECONNRESET') return 'it hung up before the handshake was over'
  return `the handshake failed (${code ?? 'no code'})`
}

const alerts: Readonly<Record<string, string>> = {
  UNKNOWN_CA: 'it does not know our authority (alert 48, unknown_ca)',
  BAD_CERTIFICATE: 'it does not take the certificate (alert 42, bad_certificate)',
  CERTIFICATE_UNKNOWN: 'it does not trust the certificate (alert 46, certificate_unknown)',
  CERTIFICATE_EXPIRED: 'to its clock the certificate has expired (alert 45, certificate_expired)',
  UNSUPPORTED_CERTIFICATE: 'it cannot use such a certificate (alert 43, unsupported_certificate)',
  PROTOCOL_VERSION: 'it speaks an older TLS than 1.2 (alert 70, protocol_version)',
}
