import type { HttpBindings } from '@hono/node-server'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import { readMessages } from '../../mcp/request-reading.ts'
import type { Check } from './checks.ts'

const parseError = -32700
const invalidParams = -32602
/** How long a client that was refused may go on sending, ms. */
const lingerMs = 2_000

/**
 * Reads the JSON body of a POST once, for whoever needs it: 415 for another media type, 413 over
 * the limit of now (without reading on), 400 with a JSON-RPC parse error for what is not JSON.
 */
export function jsonBody(limit: () => number): Check {
  return async (c) => {
    if (c.req.method !== 'POST') return undefined
    const maxBytes = limit()
    if (!isJson(c.req.header('content-type'))) {
      return rpcErrorResponse(415, 'Unsupported Media Type: Content-Type must be application/json')
    }
    const read = await readText(c.env.incoming, maxBytes)
    if (read.kind === 'too-large') {
      dropRest(c.env.incoming)
      return rpcErrorResponse(413, tooLarge(maxBytes))
    }
    // The client left, or the listener waited long enough; nobody reads this.
    if (read.kind === 'broken-off') return rpcErrorResponse(400, 'The request body broke off')
    try {
      c.set('body', JSON.parse(read.text))
      c.set('text', read.text)
    } catch {
      return rpcErrorResponse(400, 'Parse error: the request body is not valid JSON', {
        code: parseError,
      })
    }
    return undefined
  }
}

/**
 * Reads what the body asks for, for the access check and for routing; goes after it. What cannot be
 * read is refused, for nobody could say which scopes it needs.
 * @param answers whether the HTTP answer is the request's own: with HTTP+SSE, a stream brings that
 */
export function messages({ answers }: { answers: boolean }): Check {
  return (c) => {
    if (c.req.method !== 'POST') return undefined
    const reading = readMessages(c.get('body'))
    if ('kind' in reading) {
      const { code, id, problem, status = 400 } = reading
      const isSingle = !Array.isArray(c.get('body')) && id !== undefined
      const isAnswer = answers && isSingle && code === invalidParams
      return rpcErrorResponse(isAnswer ? 200 : status, problem, { code, id })
    }
    c.set('messages', reading)
    return undefined
  }
}

/**
 * Throws away what a client still sends, for a moment: a connection that is closed on it at once is
 * reset, and the client never reads why.
 */
function dropRest(incoming: HttpBindings['incoming']): void {
  const timer = setTimeout(() => incoming.socket.destroySoon(), lingerMs).unref()
  incoming.once('end', () => clearTimeout(timer)).resume()
}

function tooLarge(maxBytes: number): string {
  return `The request body is larger than ${maxBytes} bytes. "limits.bodyMiB" in the configuration file allows more.`
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json'
}

type Read = { kind: 'text'; text: string } | { kind: 'too-large' } | { kind: 'broken-off' }

/** Straight from the socket: web streams would cost more than all the rest of the reading. */
function readText(incoming: HttpBindings['incoming'], maxBytes: number): Promise<Read> {
  return new Promise((resolve) => {
    if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) {
      return resolve({ kind: 'too-large' })
    }
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer) => {
      size += chunk.byteLength
      if (size <= maxBytes) return void chunks.push(chunk)
      incoming.off('data', onData).pause()
      resolve({ kind: 'too-large' })
    }
    incoming
      .on('data', onData)
      .once('end', () => {
        const [first] = chunks
        const whole = chunks.length === 1 && first ? first : Buffer.concat(chunks)
        resolve({ kind: 'text', text: whole.toString('utf8') })
      })
      .once('error', () => resolve({ kind: 'broken-off' }))
  })
}
