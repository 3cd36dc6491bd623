import { UserError } from '../../errors.ts'
import { shellQuote } from '../../lib/shell.ts'

/** Where a connection was to lead. */
export interface TlsPlace {
  /** The server's name in the configuration. */
  readonly server: string
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
}

/** One thing that keeps a connection from verifying: a sentence, and what to do about it. */
export interface TlsFinding {
  /** Of `TlsFailureKind`, or what a look at the chain found. */
  readonly kind: string
  readonly message: string
  readonly fix: string
  /** The command that does it, where there is one. */
  readonly command: string | undefined
}

interface Failure {
  /** What Node, OpenSSL and undici call it. */
  readonly codes?: RegExp
  /** Of the other side, as the rest of a sentence. */
  readonly says: string
  /** A sentence without its end, as it goes on where `ca test` shows more. */
  readonly cure: string | ((place: TlsPlace) => string)
  /** What that shows. */
  readonly shows?: string
}

const urlSetting = 'the "url" of the server in the configuration file'
const renew = "Have the server's certificate renewed, and check the clock of this machine"

/** Some servers send no alert, but hang up once they have seen that there is no certificate. */
const hangUp = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/

/** Every way to fail. What was seen of a chain says more of those that are about one. */
const failures = {
  dns: {
    codes: /^(ENOTFOUND|EAI_|ENODATA)/,
    says: 'cannot be reached: the name does not resolve',
    cure: `Check ${urlSetting}, the network, and whether a VPN is needed`,
  },
  refused: {
    codes: /^ECONNREFUSED$/,
    says: 'cannot be reached: the connection was refused, as nothing listens there',
    cure: `Start the server, or correct the port in ${urlSetting}`,
  },
  timeout: {
    codes: /^ETIMEDOUT$/,
    says: 'did not answer in time',
    cure: 'Check that the server runs, and that no firewall or VPN stands between',
  },
  unreachable: {
    codes: /^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES)/,
    says: 'cannot be reached from this machine',
    cure: 'Check the network and whether a VPN is needed',
  },
  untrusted: {
    codes:
      /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA)$/,
    says: 'shows a certificate of an authority that is not trusted here, or leaves out a part of its chain',
    cure: ({ server }) => `\`${addCommand(server)}\` trusts the authority`,
    shows: 'the chain and what is missing',
  },
  'name-mismatch': {
    codes: /^ERR_TLS_CERT_ALTNAME_(INVALID|FORMAT)$/,
    says: 'shows a certificate that is not for this name',
    cure: `Use one of the names of the certificate in ${urlSetting}, or have a certificate issued for this one`,
    shows: 'them',
  },
  expired: {
    codes: /^CERT_HAS_EXPIRED$/,
    says: 'shows a certificate that has expired',
    cure: renew,
    shows: 'which one it is',
  },
  'not-yet-valid': {
    codes: /^CERT_NOT_YET_VALID$/,
    says: 'shows a certificate that is not valid yet',
    cure: renew,
    shows: 'the dates',
  },
  revoked: {
    codes: /^CERT_REVOKED$/,
    says: 'shows a certificate that was revoked',
    cure: "Have the server's certificate replaced",
  },
  'too-weak': {
    codes: /TOO_SMALL|TOO_WEAK/,
    says: 'shows a certificate or a key that is too weak',
    cure: 'Have it issued anew with a P-256 key, or an RSA key of 2048 bits, and SHA-256',
  },
  'client-certificate': {
    // What a server says that wants a client certificate, or another one than it got.
    codes:
      /^ERR_SSL_.*ALERT_(CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|UNKNOWN)|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED|NO_CERTIFICATE)$/,
    says: 'ended the connection, as a server does that wants a client certificate it knows',
    cure: ({ server }) => `Give it one with \`${setClientCertificateCommand(server)}\``,
    shows: 'what it asks for',
  },
  'old-protocol': {
    codes: /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    says: 'speaks only versions of TLS before 1.2, which are broken',
    cure: 'Have TLS 1.2 or 1.3 switched on there',
  },
  'not-tls': {
    codes: /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|BAD_RECORD_TYPE)$/,
    says: 'does not speak TLS there',
    cure: `Correct the port in ${urlSetting}, or write http:// there if it is plain HTTP`,
  },
  'plain-http': {
    says: 'answers in plain HTTP, without TLS',
    cure: `Use the port that speaks HTTPS, or write http:// in ${urlSetting}`,
  },
  'not-http': {
    codes: /^(HPE_\w+|HTTPParserError)$/,
    says: 'does not speak plain HTTP there',
    cure: `If it speaks TLS, write https:// in ${urlSetting}`,
  },
  handshake: {
    says: 'ended the TLS handshake',
    cure: `Check that ${urlSetting} names the host as the server knows it, and look at the server's log`,
  },
  other: {
    says: 'shows a chain that does not verify',
    cure: "Ask the server's operator to look at its chain with this code",
  },
} satisfies Readonly<Record<string, Failure>>

type TlsFailureKind = keyof typeof failures

const catalogue: Readonly<Record<TlsFailureKind, Failure>> = failures
const kinds = Object.keys(failures) as TlsFailureKind[]

/** What a code means; undefined for one that stands for nothing here. */
export function kindOf(code: string): TlsFailureKind | undefined {
  return kinds.find((kind) => catalogue[kind].codes?.test(code))
}

/** Whether nobody was met at all: the server may only be switched off. */
export function isUnreached(kind: string): boolean {
  return ['dns', 'refused', 'timeout', 'unreachable'].includes(kind)
}

/** A finding: in the words of the catalogue, or in a `message` that knows more. */
export function findingOf(
  kind: TlsFailureKind,
  { place, ...seen }: { place: TlsPlace } & ({ code: string } | { message: string }),
): TlsFinding {
  const { host, port } = place
  const message =
    'message' in seen
      ? seen.message
      : `Port ${port} of ${host} ${catalogue[kind].says} (${seen.code}).`
  return { kind, message, fix: `${cureOf(kind, place)}.`, command: undefined }
}

/** What a server that ended the connection over the client's certificate needs. */
export function clientCertificateFinding(server: string, isPresented: boolean): TlsFinding {
  const command = setClientCertificateCommand(server)
  if (!isPresented) {
    const message = 'The server asks for a client certificate, and none is kept for it.'
    const fix = 'Get a certificate and its key from its operator, and set them.'
    return { kind: 'client-certificate-needed', message, fix, command }
  }
  const message = 'The server refused the client certificate that is kept for it.'
  const fix =
    'Ask its operator which authority it accepts client certificates of, and set one of that.'
  return { kind: 'client-certificate-refused', message, fix, command }
}

/**
 * What the failure of a connection means and what to do, by its code; undefined when it is not about
 * TLS. OpenSSL's words stay in the message, as they are what people search for. `wasAsked`: the other
 * side asked for a client certificate during the handshake.
 */
export function explainTlsFailure(
  failure: unknown,
  { server, url, wasAsked }: { server: string; url: URL; wasAsked: boolean },
): UserError | undefined {
  if (!(failure instanceof Error) || failure instanceof UserError) return undefined
  const code = (failure as NodeJS.ErrnoException).code ?? failure.name
  const kind = wasAsked && hangUp.test(code) ? 'client-certificate' : kindOf(code)
  if (kind === undefined || isUnreached(kind)) return undefined
  if ((kind === 'not-http' ? 'http:' : 'https:') !== url.protocol) return undefined
  const { says, shows } = catalogue[kind]
  const cure = cureOf(kind, { server, ...tlsAddressOf(url) })
  const hint =
    shows === undefined
      ? cure
      : `${cure}; \`pnpm sallyport ca test ${shellQuote(server)}\` shows ${shows}`
  const message = `${url.host} ${says} (${wordsOf(failure)}).`
  return new UserError('UPSTREAM_UNTRUSTED', message, { hint: `${hint}.`, cause: failure })
}

/** Where an https URL leads. */
export function tlsAddressOf({ hostname, port }: URL): Pick<TlsPlace, 'host' | 'port'> {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) }
}

/** The command that adds certificates to what is kept. */
export function addCommand(server: string): string {
  return `pnpm sallyport ca add ${shellQuote(server)} <file>`
}

/** The command that sets the certificate that connections present. */
export function setClientCertificateCommand(server: string): string {
  return `pnpm sallyport ca add ${shellQuote(server)} --client-cert <file> --client-key <file>`
}

function cureOf(kind: TlsFailureKind, place: TlsPlace): string {
  const { cure } = catalogue[kind]
  return typeof cure === 'string' ? cure : cure(place)
}

/** OpenSSL's reason out of a line with file names; of Node's own sentences, the first part. */
function wordsOf(failure: Error): string {
  const line = failure.message.split(/[\n;]/)[0]?.trim() ?? ''
  return /^[\dA-F]+:error:[^:]*:[^:]*:([^:]+):/.exec(line)?.[1] ?? line.replace(/\.$/, '')
}
