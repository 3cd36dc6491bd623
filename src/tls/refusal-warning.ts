import { shellQuote } from '../lib/shell-quote.ts'
import { judgeFailure } from './client-refusal.ts'

/** A finding for the person at the terminal, as events carry it. */
export interface RefusalWarning {
  readonly code: 'CLIENT_REFUSED_CERTIFICATE'
  readonly message: string
  readonly hint: string
}

const quietMs = 60_000

/**
 * Creates what turns failed handshakes into warnings, at most one a minute: a client that does not
 * trust us tries again and again. `caFile` is undefined when the root is not ours to give.
 */
export function createRefusalWarner(options: {
  now: () => number
  names: () => readonly string[]
  caFile: () => string | undefined
}): (
  error: NodeJS.ErrnoException,
  servername: string | false | null,
) => RefusalWarning | undefined {
  let quietUntil = Number.NEGATIVE_INFINITY
  return ({ code }, servername) => {
    const failure = judgeFailure(code, servername)
    const now = options.now()
    if (failure === 'other' || now < quietUntil) return undefined
    quietUntil = now + quietMs
    const caFile = options.caFile()
    if (typeof servername === 'string' && !covers(options.names(), servername)) {
      return notCovered(servername)
    }
    const why = caFile === undefined ? 'it does not know who signed it' : unknown
    const message =
      failure === 'refused'
        ? `A client refused the certificate: ${why}.`
        : `A client hung up when it saw the certificate, as Node programs do: ${why}.`
    return { code: 'CLIENT_REFUSED_CERTIFICATE', message, hint: hintFor(caFile) }
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
