import { type DestinationStream, pino } from 'pino'
import { boundedValues, printableJson } from './printable.ts'

/** What the program says about itself while it works. Scopes look like `mcp:upstream` or `tls`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log, under a narrower scope. */
  child(scope: string): Logger
}

type LogFields = Readonly<Record<string, unknown>>

const secretNames = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'token',
  'access_token',
  'refresh_token',
  'client_secret',
  'code',
  'state',
  'password',
]

/** Creates the program's log on standard error: a printable JSON object a line, secrets replaced. */
export function createLogger(options: { level: string; destination?: DestinationStream }): Logger {
  const redact = {
    paths: secretNames.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
    censor: 'REDACTED',
  }
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true })
  const printing = { write: (line: string) => void destination.write(printableJson(line)) }
  const formatters = { log: boundedValues<Record<string, unknown>> }
  return wrap(pino({ level: options.level, redact, base: null, formatters }, printing), '')
}

function wrap(log: pino.Logger, scope: string): Logger {
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
    child: (name) => {
      const inner = scope ? `${scope}:${name}` : name
      return wrap(log.child({ scope: inner }), inner)
    },
  }
}
