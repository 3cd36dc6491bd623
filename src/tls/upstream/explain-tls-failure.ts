import { UserError } from '../../errors.ts'
import { shellQuote } from '../../lib/shell.ts'
import { addCommand, setClientCertificateCommand } from './explain-client-certificate.ts'

/** Whom the failed connection was for, and where it was to lead. */
export interface FailedConnection {
  readonly server: string
  readonly url: URL
  /** Whether the other side asked for a client certificate during the handshake. */
  readonly wasAsked: boolean
}

/**
 * What a failure of TLS means and what to do, by its code; undefined for any other failure. OpenSSL's
 * words stay in the message, as they are what people search for.
 */
export function explainTlsFailure(
  failure: unknown,
  { server, url, wasAsked }: FailedConnection,
): UserError | undefined {
  if (!(failure instanceof Error) || failure instanceof UserError) return undefined
  const code = (failure as NodeJS.ErrnoException).code ?? failure.name
  const kind = kinds.find(
    ({ codes, onlyIfAsked = false }) => codes.test(code) && (wasAsked || !onlyIfAsked),
  )
  if (!kind || (kind.scheme ?? 'https:') !== url.protocol) return undefined
  const message = `${url.host} ${kind.says} (${wordsOf(failure)}).`
  const hint = kind.hint(server, url)
  return new UserError('UPSTREAM_UNTRUSTED', message, { hint, cause: failure })
}

interface FailureKind {
  readonly codes: RegExp
  readonly says: string
  /** Of the address; https unless given. */
  readonly scheme?: 'http:'
  /** Means nothing of TLS unless a client certificate was asked for. */
  readonly onlyIfAsked?: true
  readonly hint: (server: string, url: URL) => string
}

const lookAt = (server: string) => `\`pnpm sallyport ca test ${shellQuote(server)}\``

const giveClientCertificate = (server: string) =>
  `Give it one it knows with \`${setClientCertificateCommand(server)}\`; ${lookAt(server)} shows what it asks for.`

const kinds: readonly FailureKind[] = [
  {
    codes:
      /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA)$/,
    says: 'shows a certificate of an authority that is not trusted here, or leaves out a part of its chain',
    hint: (server) =>
      `${lookAt(server)} shows the chain and what is missing; \`${addCommand(server)}\` trusts the authority.`,
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_(INVALID|FORMAT)$/,
    says: 'shows a certificate that is not for this name',
    hint: (server) =>
      `Use one of the names of the certificate in the server's "url", or have one issued for this name; ${lookAt(server)} shows them.`,
  },
  {
    codes: /^CERT_HAS_EXPIRED$/,
    says: 'shows a certificate that has expired',
    hint: (server) =>
      `Its operator has to renew it; ${lookAt(server)} shows which one it is. Check the clock of this machine, too.`,
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    says: 'shows a certificate that is not valid yet',
    hint: (server) => `Check the clock of this machine; ${lookAt(server)} shows the dates.`,
  },
  {
    codes: /^CERT_REVOKED$/,
    says: 'shows a certificate that was revoked',
    hint: () => 'Its operator has to replace it.',
  },
  {
    // What a server says that wants a client certificate, or another one than it got.
    codes:
      /^ERR_SSL_.*ALERT_(CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|UNKNOWN)|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED|NO_CERTIFICATE)$/,
    says: 'ended the handshake, as a server does that wants a client certificate it knows',
    hint: giveClientCertificate,
  },
  {
    // Some send no alert, but end the connection once they have seen that there is no certificate.
    codes: /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/,
    onlyIfAsked: true,
    says: 'ended the connection after it had asked for a client certificate',
    hint: giveClientCertificate,
  },
  {
    codes: /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/,
    says: 'does not speak TLS there',
    hint: (_server, url) =>
      `If it is plain HTTP, write http://${url.host} in the server's "url" in the configuration file.`,
  },
  {
    codes: /^(HPE_\w+|HTTPParserError)$/,
    scheme: 'http:',
    says: 'does not speak plain HTTP there',
    hint: (_server, url) =>
      `If it speaks TLS, write https://${url.host} in the server's "url" in the configuration file.`,
  },
]

/** OpenSSL's reason out of a line with file names; of Node's own sentences, the first part. */
function wordsOf(failure: Error): string {
  const line = failure.message.split(/[\n;]/)[0]?.trim() ?? ''
  return /^[\dA-F]+:error:[^:]*:[^:]*:([^:]+):/.exec(line)?.[1] ?? line.replace(/\.$/, '')
}
