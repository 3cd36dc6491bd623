import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { HttpEnv } from '../http-env.ts'

const parseError = -32700

/**
 * Reads the JSON body of a POST once, for whoever needs it: 415 for another media type, 413 over
 * the limit of now (without reading on), 400 with a JSON-RPC parse error for what is not JSON.
 */
export function jsonBody(limit: () => number): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    if (c.req.method !== 'POST') return next()
    const maxBytes = limit()
    if (!isJson(c.req.header('content-type'))) {
      return rpcErrorResponse(415, 'Unsupported Media Type: Content-Type must be application/json')
    }
    const text = await readText(c.env.incoming, maxBytes)
    if (text === undefined) {
      return rpcErrorResponse(413, tooLarge(maxBytes), {
        // The rest of the body is not read, so the connection cannot be used again.
        headers: { connection: 'close' },
      })
    }
    try {
      c.set('body', JSON.parse(text))
      c.set('text', text)
    } catch {
      return rpcErrorResponse(400, 'Parse error: the request body is not valid JSON', {
        code: parseError,
      })
    }
    return next()
  }
}

function tooLarge(maxBytes: number): string {
  return `The request body is larger than ${maxBytes} bytes. "limits.bodyMiB" in the configuration file allows more.`
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json'
}

/** Straight from the socket: web streams would cost more than all the rest of the reading. */
function readText(incoming: HttpBindings['incoming'], maxBytes: number) {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return undefined
  return new Promise<string | undefined>((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer) => {
      size += chunk.byteLength
      if (size <= maxBytes) return void chunks.push(chunk)
      incoming.off('data', onData).pause()
      resolve(undefined)
    }
    incoming
      .on('data', onData)
      .once('end', () => {
        const [first] = chunks
        const whole = chunks.length === 1 && first ? first : Buffer.concat(chunks)
        resolve(whole.toString('utf8'))
      })
      .once('error', reject)
  })
}
