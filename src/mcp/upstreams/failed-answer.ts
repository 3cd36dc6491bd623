import { STATUS_CODES } from 'node:http'
import { printableLine, quoted } from '../../lib/printable.ts'
import { isJsonObject } from '../wire/message.ts'

const quotedLength = 200
/** As far as a page is looked through for words, characters. */
const lookedThrough = 64 * 1024

/** What an answer without success means: its status, what it says without markup, when to try again. */
export function describeAnswer(answer: {
  status: number
  body: string
  retryAfter?: string | undefined
}): string {
  const { status, retryAfter } = answer
  const said = wordsOf(answer.body)
  return [
    `it answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd(),
    ...(meanings[status] ? [` (${meanings[status]})`] : []),
    ...(said === '' ? [] : [`: ${quoted(said, quotedLength)}`]),
    ...(retryAfter === undefined ? [] : [`; Retry-After is ${printableLine(retryAfter, 60)}`]),
    ...(/^\d+$/.test(retryAfter ?? '') ? [' s'] : []),
  ].join('')
}

const meanings: Readonly<Record<number, string>> = {
  401: 'it wants credentials that it was not given, or does not take those it was given',
  403: 'it does not allow this with the credentials it was given',
  404: 'there is nothing at this address',
  413: 'the request is too large for it',
  429: 'it was asked too often',
  500: 'it failed by itself',
  502: 'what stands before it could not reach it',
  503: 'it is down or overloaded',
  504: 'what stands before it waited for it in vain',
}

function wordsOf(body: string): string {
  const beginning = body.trimStart()
  if (beginning.startsWith('<')) return withoutMarkup(beginning.slice(0, lookedThrough))
  return beginning.startsWith('{') ? (messageIn(beginning) ?? beginning) : beginning
}

/** The sentence in an answer of JSON, in the places where servers put one. */
function messageIn(json: string): string | undefined {
  const value = parse(json)
  if (!isJsonObject(value)) return undefined
  const { error } = value
  const places = [
    isJsonObject(error) ? error.message : undefined,
    value.error_description,
    error,
    value.message,
    value.detail,
    value.title,
  ]
  return places.find((place) => typeof place === 'string')
}

const hiddenElement = /<(script|style)\b/iy
const hiddenEnd = /<\/(?:script|style)\b/gi

/** The text of a page, as far as it is quoted. One pass: each sign is looked at once. */
function withoutMarkup(page: string): string {
  let text = ''
  let at = 0
  while (at < page.length && text.length < quotedLength * 4) {
    const open = page.indexOf('<', at)
    text = `${text}${page.slice(at, open < 0 ? page.length : open)} `.replace(/\s+/g, ' ')
    if (open < 0) break
    hiddenElement.lastIndex = open
    hiddenEnd.lastIndex = open
    const end = hiddenElement.test(page)
      ? (hiddenEnd.exec(page)?.index ?? page.length)
      : page.indexOf('>', open) + 1
    at = end > open ? end : page.length
  }
  return text.trim()
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // Cut off, or no JSON at all: it is quoted as text.
    return undefined
  }
}

/**
 * Whether an answer to a request with a session id says that there is no such session. 404 means
 * that (MCP 2025-11-25, Session Management); the words of others are ours to guess, which is done only
 * where the server had answered in this session before.
 */
export function saysNoSuchSession(answer: {
  status: number
  body: string
  wasFine: boolean
}): boolean {
  const { status, body, wasFine } = answer
  if (status === 404) return !body.includes('-32601')
  if (!wasFine || body.length > 2_000) return false
  // As an ordinary answer only under the codes that servers use for it: a tool may say such words.
  const isRefusal = status === 400 || /"code"\s*:\s*-32(000|001|600)\b/.test(body)
  if (!isRefusal) return false
  return /\bsession\b/i.test(body) && /\b(no|not|missing|invalid|unknown|expired)\b/i.test(body)
}
