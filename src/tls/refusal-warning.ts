import { shellQuote } from '../lib/shell-quote.ts'
import { type Greeting, judgeFailure } from './client-refusal.ts'

/** A finding for the person at the terminal, as events carry it. */
export interface RefusalWarning {
  readonly code: 'CLIENT_REFUSED_CERTIFICATE'
  readonly message: string
  readonly hint: string
}

const quietMs = 60_000

/**
 * Creates what turns failed handshakes into warnings, at most one a minute: a client that does not
 * trust us tries again and again.
 */
export function createRefusalWarner(options: {
  now: () => number
  names: () => readonly string[]
  /** Undefined when the root is not ours to give. */
  caFile: () => string | undefined
  /** Whether connections to addresses get a certificate of their own, which BoringSSL refuses. */
  isConstrained: () => boolean
}): (error: NodeJS.ErrnoException, greeting: Greeting) => RefusalWarning | undefined {
  let quietUntil = Number.NEGATIVE_INFINITY
  return ({ code }, greeting) => {
    const { servername } = greeting
    const failure = judgeFailure(code, greeting)
    const now = options.now()
    if (failure === 'other' || now < quietUntil) return undefined
    quietUntil = now + quietMs
    const caFile = options.caFile()
    if (servername !== undefined && !covers(options.names(), servername)) {
      return notCovered(servername)
    }
    const why = caFile === undefined ? 'it does not know who signed it' : unknown
    const hint = hintFor(caFile)
    if (servername === undefined && options.isConstrained()) return byAddress(failure, why, hint)
    const message =
      failure === 'refused'
        ? `A client refused the certificate: ${why}.`
        : `A client hung up when it saw the certificate, as Node programs do: ${why}.`
    return { code: 'CLIENT_REFUSED_CERTIFICATE', message, hint }
  }
}

function byAddress(failure: 'refused' | 'hung-up', why: string, hint: string): RefusalWarning {
  const did = failure === 'refused' ? 'refused' : 'hung up when it saw'
  return {
    code: 'CLIENT_REFUSED_CERTIFICATE',
    message: `A client that came by an address, such as https://127.0.0.1, ${did} the certificate: ${why}, or it is one like Claude Code or Bun, which takes none there (UNSUPPORTED_CONSTRAINT_TYPE).`,
    hint: `Give it https://localhost instead of the address. ${hint}`,
  }
}

/** RFC 6125 6.4.3: a wildcard stands for the first label and nothing else. */
function covers(names: readonly string[], servername: string): boolean {
  const name = servername.toLowerCase()
  return names.includes(name) || names.includes(name.replace(/^[^.]+/, '*'))
}

const unknown = 'it does not know our authority'

function hintFor(caFile: string | undefined): string {
  return caFile === undefined
    ? 'Tell it to trust the root of your certificate (SSL_CERT_PATH).'
    : `Start it with what \`pnpm sallyport env\` prints, such as NODE_EXTRA_CA_CERTS=${shellQuote(caFile)}; browsers are told by \`pnpm sallyport trust\`.`
}

function notCovered(servername: string): RefusalWarning {
  return {
    code: 'CLIENT_REFUSED_CERTIFICATE',
    message: `A client asked for ${JSON.stringify(servername)}, which the certificate does not cover, and refused it.`,
    hint: 'Use the printed address, or add a name under .localhost to "allowedHosts" in the configuration file.',
  }
}
