import { replacement } from './redact-body.ts'

/** One place at which two answers differ; what is not there is `undefined`. */
export interface AnswerDifference {
  /** Such as `content[0].text`; empty for the whole. */
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** More than anybody reads. */
const most = 20

/** Where two answers differ, at most 20 places, in the order of the first. */
export function compareAnswers(before: unknown, after: unknown): AnswerDifference[] {
  const differences: AnswerDifference[] = []
  const walk = (path: string, one: unknown, other: unknown): void => {
    if (differences.length >= most || isSame(one, other)) return
    const [fields, others] = [fieldsOf(one), fieldsOf(other)]
    if (!fields || !others || Array.isArray(one) !== Array.isArray(other)) {
      differences.push({ path, before: one, after: other })
      return
    }
    const step = (key: string) => {
      if (Array.isArray(one)) return `${path}[${key}]`
      return path === '' ? key : `${path}.${key}`
    }
    for (const key of new Set([...fields.keys(), ...others.keys()])) {
      walk(step(key), fields.get(key), others.get(key))
    }
  }
  walk('', before, after)
  return differences
}

/** A secret that was left out of a recording may have been anything. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'string' || typeof other !== 'string') return Object.is(one, other)
  if (!one.includes(replacement)) return one === other
  const parts = one.split(replacement)
  if (!other.startsWith(parts[0] ?? '') || !other.endsWith(parts.at(-1) ?? '')) return false
  let from = 0
  return parts.every((part) => {
    const at = other.indexOf(part, from)
    from = at + part.length
    return at >= 0
  })
}

function fieldsOf(value: unknown): Map<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined
}
