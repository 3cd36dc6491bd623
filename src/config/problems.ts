import * as z from 'zod'
import { nearestName } from '../lib/nearest-name.ts'

/** One thing that is wrong with a file, in words for the person who wrote it. */
export interface Problem {
  /** Keys and indexes from the root of the file. */
  readonly path: readonly (string | number)[]
  /** Continues a sentence that starts with the path; never holds a value of the file. */
  readonly message: string
}

/** Takes a problem in; resolvers report and go on, so that one run finds everything. */
export type ReportProblem = (path: Problem['path'], message: string) => void

/** Writes a path as a person would: `mcpServers.github.args[0]`, `mcpServers["a.b"].url`. */
export function formatPath(path: Problem['path']): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    if (!/^[\w$-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: Problem[] }

/** Checks a value against a schema. What is wrong is said without repeating any part of the value. */
export function checkShape<S extends z.ZodType>(schema: S, value: unknown): Checked<z.output<S>> {
  const parsed = schema.safeParse(value, { error: sayProblem })
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, problems: problemsOf(parsed.error.issues, value) }
}

/** What no schema says in words of its own. */
function sayProblem(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required'
      return `must be ${nounOf(issue.expected)}, not ${nounOf(kindOf(issue.input))}`
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    case 'invalid_key':
      return issue.issues[0]?.message
    case 'unrecognized_keys': {
      const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : []
      return issue.keys.map((key) => unknownKey(key, known)).join('\n')
    }
    default:
      return undefined
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearestName(key, known)
  const suggestion = meant === undefined ? '' : ` (did you mean "${meant}"?)`
  return `is not a known key${suggestion}; known keys: ${known.join(', ')}`
}

function problemsOf(issues: readonly z.core.$ZodIssue[], value: unknown): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
    if (issue.code === 'unrecognized_keys') {
      // A line for each key, as it was put together above.
      const messages = issue.message.split('\n')
      return issue.keys.map((key, index) => ({
        path: [...path, key],
        message: messages[index] ?? '',
      }))
    }
    if (issue.code !== 'invalid_union') return [{ path, message: issue.message }]
    const here = path.reduce<unknown>((inner, key) => Object(inner)[key], value)
    return unionProblems(issue, here).map((one) => ({ ...one, path: [...path, ...one.path] }))
  })
}

/** The problems of what was meant: a kind of server, or whatever else is no mistake as a whole. */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, value: unknown): Problem[] {
  if (issue.path[0] === 'mcpServers' && issue.path.length === 2) {
    const kind = serverKindOf(value)
    if (!kind.ok) return [{ path: kind.key ? [kind.key] : [], message: kind.message }]
    return problemsOf(issue.errors[kind.option] ?? [], value)
  }
  const isWhole = ({ code, path }: z.core.$ZodIssue) => code.startsWith('invalid_') && !path.length
  const meant = issue.errors.find((errors) => !errors.some(isWhole))
  return meant ? problemsOf(meant, value) : [{ path: [], message: issue.message }]
}

const httpTypes: readonly unknown[] = ['http', 'streamable-http', 'sse']

/** Which option an entry of `mcpServers` means to be, a program or an HTTP server, or why neither. */
function serverKindOf(
  entry: unknown,
): { ok: true; option: 0 | 1 } | { ok: false; key?: string; message: string } {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return { ok: false, message: 'must be an object with "command" or "url"' }
  }
  const type = 'type' in entry ? entry.type : undefined
  if (type === 'stdio') return { ok: true, option: 0 }
  if (httpTypes.includes(type)) return { ok: true, option: 1 }
  if (type !== undefined) {
    return { ok: false, key: 'type', message: 'must be one of stdio, http, streamable-http, sse' }
  }
  const [hasCommand, hasUrl] = ['command' in entry, 'url' in entry]
  if (hasCommand !== hasUrl) return { ok: true, option: hasCommand ? 0 : 1 }
  if (hasCommand) {
    const message = 'has both "command" (a program to start) and "url" (an HTTP server); keep one'
    return { ok: false, message }
  }
  const needs = 'needs "command" (a program to start) or "url" (an HTTP server)'
  return { ok: false, message: needs + misspelt(Object.keys(entry)) }
}

function misspelt(keys: readonly string[]): string {
  for (const key of keys) {
    const meant = nearestName(key, ['command', 'url'])
    if (meant !== undefined) return `; it has ${JSON.stringify(key)} (did you mean "${meant}"?)`
  }
  return ''
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
