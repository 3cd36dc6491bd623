import { printable } from '../../lib/printable.ts'
import type { Screen } from './styler.ts'

/** One line of the program's log (JSON, as pino writes it) for a terminal. */
export function formatLogLine(line: string, { style }: Screen): string {
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
