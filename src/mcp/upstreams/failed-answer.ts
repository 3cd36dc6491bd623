import { STATUS_CODES } from 'node:http'
import { readBeginning } from '../../lib/http-body.ts'
import { printableLine, quoted } from '../../lib/printable.ts'
import { isJsonObject } from '../wire-types.ts'

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** A server in trouble may answer with whole pages, or never come to their end. */
export const failedAnswerLimits = { maxBytes: 1024 * 1024, maxMs: 1_000 }
const quotedLength = 200
/** As far as a page is looked through for words, characters. */
const lookedThrough = 64 * 1024

/**
 * A fetch whose answers without success are short: whoever reads one gets the sentence that
 * `describeAnswer` makes of it. JSON-RPC messages stay as they are.
 */
export function withShortFailures(fetch: Fetch): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (response.ok || response.status === 304) return response
    const bytes = await readBeginning(response, failedAnswerLimits).catch(() => Buffer.alloc(0))
    const body = bytes.toString('utf8')
    const { status, headers } = response
    const retryAfter = headers.get('retry-after') ?? undefined
    // Of a redirect the SDK knows more than its page.
    if (status < 400) return new Response(null, { status, headers })
    const text = isRpcMessage(body) ? body : describeAnswer({ status, body, retryAfter })
    return new Response(text, { status, headers })
  }
}

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

function isRpcMessage(body: string): boolean {
  const value = body.startsWith('{') ? parse(body) : undefined
  return isJsonObject(value) && value.jsonrpc === '2.0'
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // Cut off, or no JSON at all: it is quoted as text.
    return undefined
  }
}
