import type { Era, Fields, Heard } from './wire-client.ts'

/** One thing that is otherwise through the gateway. */
export interface Difference {
  readonly exchange: string
  /** Such as `legacy client, modern stdio server`. */
  readonly pair: string
  readonly server: string
  readonly client: Era
  readonly isBridged: boolean
  /** Which message, and where in it. */
  readonly path: string
  readonly direct: unknown
  readonly through: unknown
}

const absent = Symbol('absent')

/** What is on a stream of its own, whose order beside others nobody promises. */
const apart = /\/list_changed$|^notifications\/resources\/updated$|^notifications\/example\/late$/

/** Messages without what differs from one run to the next: ids, states, sessions. */
export function normalized(heard: readonly Heard[]): { key: string; message: Fields }[] {
  const all = heard.map(({ message }) => {
    const copy = structuredClone(message)
    if (copy.id !== undefined)
      copy.id = copy.method === undefined ? 'of the request' : 'of the question'
    let result = copy.result as Fields | undefined
    if (typeof result?.requestState === 'string') result.requestState = 'state'
    const meta = (copy.params as { _meta?: Fields } | undefined)?._meta
    if (meta?.['io.modelcontextprotocol/subscriptionId'])
      meta['io.modelcontextprotocol/subscriptionId'] = 'listening'
    const params = copy.params as Fields | undefined
    const text = JSON.stringify(result?.content ?? '')
    if (text.includes('mcp-session-id')) {
      result = {
        ...result,
        content: JSON.parse(text.replace(/(mcp-session-id[^:]*:\\*")[^"\\]+/, '$1of the session')),
      }
      copy.result = result
    }
    if (copy.method === 'notifications/cancelled' && params) params.requestId = 'of the question'
    return copy
  })
  const isApart = ({ method }: Fields) => apart.test(String(method ?? ''))
  return [...all.filter((one) => !isApart(one)), ...all.filter(isApart)].map((message) => ({
    key: keyOf(message),
    message,
  }))
}

function keyOf({ method, result, error, http }: Fields): string {
  if (http !== undefined) return 'http'
  if (typeof method === 'string') return method
  if (error !== undefined) return 'answer'
  if ((result as Fields | undefined)?.resultType === 'input_required') return 'questions'
  return result === undefined ? 'malformed' : 'answer'
}

type Message = ReturnType<typeof normalized>[number]
type Found = Pick<Difference, 'path' | 'direct' | 'through'>

/** Aligns two sequences of messages, and finds everything that is otherwise. */
export function compareMessages(direct: readonly Message[], through: readonly Message[]): Found[] {
  const found: Found[] = []
  for (const [left, right] of align(direct, through)) {
    const path = (left ?? right)?.key ?? ''
    if (!left) found.push({ path, direct: absent, through: right?.message })
    else if (!right) found.push({ path, direct: left.message, through: absent })
    else found.push(...compareValues(left.message, right.message, path))
  }
  return found.map((one) => ({ ...one, direct: shown(one.direct), through: shown(one.through) }))
}

/** A difference in a line. */
export function describeDifference({ exchange, pair, path, direct, through }: Difference): string {
  const [before, now] = [direct, through].map((one) => JSON.stringify(one)?.slice(0, 300))
  return `${pair}: ${exchange}: ${path}: ${before} -> ${now}`
}

const shown = (value: unknown) => (value === absent ? '(absent)' : value)

/** The longest common subsequence of their keys; what is not of it stands alone. */
function align(
  left: readonly Message[],
  right: readonly Message[],
): [Message | undefined, Message | undefined][] {
  const [first, ...lefts] = left
  const [other, ...rights] = right
  if (!first) return right.map((one) => [undefined, one])
  if (!other) return left.map((one) => [one, undefined])
  if (first.key === other.key) return [[first, other], ...align(lefts, rights)]
  const isLater = rights.some(({ key }) => key === first.key)
  return isLater
    ? [[undefined, other], ...align(left, rights)]
    : [[first, undefined], ...align(lefts, right)]
}

export function compareValues(direct: unknown, through: unknown, path: string): Found[] {
  if (
    isContainer(direct) &&
    isContainer(through) &&
    Array.isArray(direct) === Array.isArray(through)
  ) {
    const keys = new Set([...Object.keys(direct), ...Object.keys(through)])
    return [...keys].flatMap((key) => {
      const of = (value: Fields) => (Object.hasOwn(value, key) ? value[key] : absent)
      return compareValues(of(direct), of(through), `${path}.${key}`)
    })
  }
  const isSame = direct === through || JSON.stringify(direct) === JSON.stringify(through)
  const isText = typeof direct === 'string' && typeof through === 'string'
  if (isSame && (direct === absent) === (through === absent)) return []
  // Tools that answer with JSON say what the server saw.
  if (isText && direct.startsWith('{') && through.startsWith('{')) {
    return compareValues(JSON.parse(direct), JSON.parse(through), `${path}(json)`)
  }
  return [{ path, direct, through }]
}

function isContainer(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}
