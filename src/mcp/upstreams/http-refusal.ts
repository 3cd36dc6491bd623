import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http'

/**
 * What a server, or whatever stands before it, refused a request with, as a fragment of a sentence: the
 * status, its meaning, the first words of the page without its markup, and when to try again.
 */
export function describeRefusal(answer: {
  status: number
  headers: IncomingHttpHeaders
  body: string
}): string {
  const { status, headers, body } = answer
  const meaning = STATUS_CODES[status]
  const words = textOf(body.slice(0, 20_000)).slice(0, 200)
  const retryAfter = headers['retry-after']
  return [
    `it answered HTTP ${status}${meaning ? ` (${meaning})` : ''}`,
    words && `: ${words}`,
    retryAfter === undefined ? '' : `; it asks to try again after ${retryAfter}`,
  ].join('')
}

/** What a page, a JSON-RPC error or a text says. Linear in its length. */
function textOf(body: string): string {
  const message = rpcMessageOf(body)
  if (message !== undefined) return message
  return body
    .replace(/<(script|style)\b[^>]{0,200}>[^<]*/gi, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
}

function rpcMessageOf(body: string): string | undefined {
  if (!body.startsWith('{')) return undefined
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } | string }
    const message = typeof error === 'object' ? error?.message : error
    return typeof message === 'string' ? message : undefined
  } catch {
    // No JSON after all: it is told as text.
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
