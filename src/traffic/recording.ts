import { UserError } from '../errors.ts'
import type { TrafficEntry } from './entry.ts'

const format = 'sallyport-recording'
const version = 1

/** The first line of a recording: JSON lines, of which each other one is an entry. */
export function recordingHeader(startedAt: number): string {
  return `${JSON.stringify({ format, version, startedAt: new Date(startedAt).toISOString() })}\n`
}

export function recordingLine(entry: TrafficEntry): string {
  return `${JSON.stringify(entry)}\n`
}

/**
 * @param file where it comes from, for messages
 * @throws UserError RECORDING_INVALID for what is none, or of a later version. A last line that was not
 * written to its end is left out.
 */
export function readRecording(text: string, file: string): TrafficEntry[] {
  const [first = '', ...lines] = text.split('\n')
  const header = parsed(first)
  if (header?.format !== format) {
    throw invalid(file, 'it does not begin with the header of a recording')
  }
  if (header.version !== version) {
    throw invalid(file, `it is of version ${String(header.version)}, and this program reads 1`)
  }
  const last = lines.pop()
  const entries = lines.map((line, index) => {
    const entry = parsed(line)
    if (!entry) throw invalid(file, `line ${index + 2} is not a JSON object`)
    return entry as unknown as TrafficEntry
  })
  const cutOff = last ? parsed(last) : undefined
  return cutOff ? [...entries, cutOff as unknown as TrafficEntry] : entries
}

function parsed(line: string): { [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    // The caller says what is wrong.
    return undefined
  }
}

function invalid(file: string, why: string): UserError {
  return new UserError('RECORDING_INVALID', `${file} cannot be read as a recording: ${why}.`, {
    hint: 'Make one with `pnpm sallyport traffic -f --record <file>`.',
  })
}
