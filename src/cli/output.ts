import type { GatewayEvent } from '../gateway-events.ts'
import { boundedValues, printable, printableJson, printableLine } from '../lib/printable.ts'
import type { FailureEvent } from './ui/failure.ts'
import { createScreen, type Screen, wantsColor } from './ui/screen.ts'

/** What every command is given of the world. */
export interface World {
  readonly output: Output
  readonly process: NodeJS.Process
}

/** A stream to the outside, as `process.stdout` is one. */
type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Lines, or a text that has them. */
type Text = string | readonly string[]

/** The one writer while a command runs: nothing else touches standard output or standard error. */
export type Output = ReturnType<typeof createOutput>

interface OutputOptions {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly json: boolean
}

// Without a terminal nothing has to fit, and lines that are copied had better stay whole.
const columnsElsewhere = 120
const eraseLine = '\r\x1b[2K'
/** What a styler puts around text. */
const styleCode = new RegExp(String.raw`(${'\x1b'}\[\d{1,2}m)`)

/** Creates the writer. A reader that goes away (EPIPE) makes it silent, never throws. */
export function createOutput(options: OutputOptions) {
  const { stdout, stderr, env, json } = options
  // A terminal may be made wider or narrower meanwhile.
  const screenOf = (stream: OutputStream) =>
    createScreen({ color: wantsColor(stream, env), columns: stream.columns ?? columnsElsewhere })
  const write = createLineKeeper(options)
  return {
    json,
    /** How text for standard output may look at this moment. */
    get stdout(): Screen {
      return screenOf(stdout)
    },
    get stderr(): Screen {
      return screenOf(stderr)
    },
    /** For people, on standard output. Silent with `--json`. */
    answer(text: Text): void {
      if (!json) write('stdout', `${shown(text)}\n`)
    },
    /** For people, on standard error. Silent with `--json`. */
    talk(text: Text): void {
      if (!json) write('stderr', `${shown(text)}\n`)
    },
    /** The line about what is going on: updated in place on a terminal, printed once elsewhere. */
    progress(text: string | undefined): void {
      if (!json) write.status(text && printableLine(text), screenOf(stderr))
    },
    /** One JSON line on standard output; nothing without `--json`. */
    event(event: GatewayEvent | FailureEvent): void {
      if (json) write('stdout', `${printableJson(JSON.stringify(boundedValues(event)))}\n`)
    },
    /** A result that is no event, as one JSON line; nothing without `--json`. */
    data(value: object): void {
      if (json) write('stdout', `${printableJson(JSON.stringify(value))}\n`)
    },
    /** A line of the program's log, with its line feed. */
    log(line: string): void {
      const pretty = stderr.isTTY && !json
      write('stderr', pretty ? `${formatLogLine(line.trimEnd(), screenOf(stderr))}\n` : shown(line))
    },
    /** Raw output of companions: standard output, or standard error with `--json`. */
    companion: (chunk: string): void => write(json ? 'stderr' : 'stdout', chunk),
    /** An escape sequence that asks the terminal for something and shows nothing. */
    sequence(sequence: string): void {
      if (stderr.isTTY) stderr.write(sequence)
    },
    /** Resolves when everything written so far has left. */
    async flush(): Promise<void> {
      write.status(undefined, screenOf(stderr))
      await Promise.all([drained(stdout), drained(stderr)])
    },
  }
}

/** The last look at what is shown: whatever slipped through, only the codes of a style get out. */
function shown(text: Text): string {
  return [text]
    .flat()
    .join('\n')
    .split(styleCode)
    .map((part, index) => (index % 2 === 1 ? part : printable(part, Number.POSITIVE_INFINITY)))
    .join('')
}

/** Writes around the status line: erases it, writes, draws it again. */
function createLineKeeper({ stdout, stderr }: OutputOptions) {
  let status = ''
  for (const stream of [stdout, stderr]) {
    // EPIPE: whoever read us is gone, and nobody is left to be told.
    stream.on('error', () => {})
  }
  const write = (name: 'stdout' | 'stderr', text: string) => {
    if (status) stderr.write(eraseLine)
    const stream = name === 'stdout' ? stdout : stderr
    stream.write(text)
    if (status) stderr.write(text.endsWith('\n') ? status : `\n${status}`)
  }
  return Object.assign(write, {
    status(text: string | undefined, { style, columns }: Screen) {
      if (!stderr.isTTY) {
        if (text) stderr.write(`${text}\n`)
        return
      }
      if (status) stderr.write(eraseLine)
      status = text ? `  ${style.dim(text.slice(0, Math.max(0, columns - 3)))}` : ''
      if (status) stderr.write(status)
    },
  })
}

/** One line of the program's log (JSON, as pino writes it) for a terminal. */
function formatLogLine(line: string, { style }: Screen): string {
  const record = parse(line)
  if (!record) return printable(line)
  const { level, time: _time, msg, scope, ...fields } = record
  const name = levelNames[Number(level)] ?? 'log'
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const words = [name.padEnd(5), ...(scope ? [String(scope)] : []), String(msg ?? ''), ...rest]
  const text = printable(words.join(' '))
  return `  ${Number(level) >= 40 ? style.yellow(text) : style.dim(text)}`
}

const levelNames: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    // Not one of ours; the caller shows it as it is.
    return undefined
  }
}

function drained(stream: OutputStream): Promise<void> {
  return new Promise((resolve) => {
    // The callback also comes, with an error, when the stream is broken.
    stream.write('', () => resolve())
  })
}
