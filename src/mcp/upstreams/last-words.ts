import { printableLine } from '../../lib/printable.ts'

/** Stack frames, and what programs print around them. */
const noise = /^(?:\s|at |Node\.js v|\^|[{}]|Traceback )|^$/
const names = /^(?:\w+ )?[\w.$]{0,80}(?:Error|Exception)\b|^(?:panic|fatal|error)\b|^thread '/i

/**
 * The line that says what happened, of the last ones a program wrote to its standard error: the last
 * that names an error, else the last that is no part of a stack; undefined when it wrote none.
 */
export function tellingLine(lines: readonly string[]): string | undefined {
  const telling = lines.map((line) => line.trimEnd()).filter((line) => !noise.test(line))
  const line = telling.findLast((one) => names.test(one)) ?? telling.at(-1)
  return line === undefined ? undefined : printableLine(line)
}
