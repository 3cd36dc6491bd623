import * as z from 'zod'
import { nearestName } from '../lib/nearest-name.ts'
import type { Problem } from './problem.ts'
import { serverKindOf } from './server-kind.ts'

type Issue = z.core.$ZodIssue
type Schema = z.core.$ZodType
type Path = Problem['path']

/** Says what a schema found wrong with a value, without repeating any part of the value. */
export function problemsOf(
  issues: readonly Issue[],
  { schema, value }: { schema: Schema; value: unknown },
): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
    const here = { schema: schemaAt(schema, path, value), value: valueAt(value, path) }
    if (issue.code === 'unrecognized_keys') {
      return unknownKeys(issue.keys, { path, schema: meantBy(here) })
    }
    if (issue.code === 'invalid_union') {
      return unionProblems(issue, here).map((one) => ({ ...one, path: [...path, ...one.path] }))
    }
    return [{ path, message: messageOf(issue, here.value) }]
  })
}

function messageOf(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (value === undefined) return 'is required'
      return `must be ${nounOf(issue.expected)}, not ${nounOf(kindOf(value))}`
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'too_small':
      if (issue.origin !== 'number') return issue.message
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
    case 'too_big':
      if (issue.origin !== 'number') return issue.message
      return `must be at most ${issue.maximum}`
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message
    default:
      return issue.message
  }
}

function unknownKeys(
  keys: readonly string[],
  { path, schema }: { path: Path; schema: Schema | undefined },
): Problem[] {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  return keys.map((key) => {
    const meant = nearestName(key, known)
    const suggestion = meant === undefined ? '' : ` (did you mean "${meant}"?)`
    const message = `is not a known key${suggestion}; known keys: ${known.join(', ')}`
    return { path: [...path, key], message }
  })
}

/** The problems of a value that fits no kind of server: those of the kind that was meant. */
function unionProblems(
  issue: z.core.$ZodIssueInvalidUnion,
  here: { schema: Schema | undefined; value: unknown },
): Problem[] {
  const verdict = serverKindOf(here.value)
  if (!verdict.ok) return [{ path: verdict.key ? [verdict.key] : [], message: verdict.message }]
  const schema = meantBy(here)
  const issues = issue.errors[optionOf[verdict.kind]] ?? []
  return schema ? problemsOf(issues, { schema, value: here.value }) : []
}

/** The kinds of server are the only union of the file, in this order. */
const optionOf = { stdio: 0, http: 1 } as const

/** The schema that counts for a value: in a union, the option the value means to be. */
function meantBy({ schema, value }: { schema: Schema | undefined; value: unknown }) {
  if (!(schema instanceof z.ZodUnion)) return schema
  const verdict = serverKindOf(value)
  return verdict.ok ? schema.options[optionOf[verdict.kind]] : undefined
}

function schemaAt(schema: Schema, path: Path, value: unknown): Schema | undefined {
  const inner = unwrap(schema)
  const [key, ...rest] = path
  if (key === undefined) return inner
  const next = childSchema(inner, key, value)
  return next && schemaAt(next, rest, valueAt(value, [key]))
}

function childSchema(schema: Schema, key: string | number, value: unknown): Schema | undefined {
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodArray) return schema.element
  const meant = meantBy({ schema, value })
  return meant instanceof z.ZodObject ? meant.shape[key] : undefined
}

function unwrap(schema: Schema): Schema {
  const wrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  return wrapped ? unwrap(schema.def.innerType) : schema
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? Reflect.get(inner, key)
        : undefined,
    value,
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function nounOf(kind: string): string {
  if (kind === 'null') return 'null'
  if (kind === 'record') return 'an object'
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
}
