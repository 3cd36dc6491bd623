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
    const text = await readText(c.req.raw, Number(c.req.header('content-length') ?? 0), maxBytes)
    if (text === undefined) {
      return rpcErrorResponse(413, tooLarge(maxBytes), {
        // The rest of the body is not read, so the connection cannot be used again.
        headers: { connection: 'close' },
      })
    }
    try {
      c.set('body', JSON.parse(text))
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

async function readText(request: Request, announced: number, maxBytes: number) {
  if (announced > maxBytes) return undefined
  if (!request.body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
