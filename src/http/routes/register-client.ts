import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { AuthorizationServers } from '../../oauth/authorization-server/authorization-servers.ts'
import { normalizeRegistration } from '../../oauth/authorization-server/registration.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import type { HttpContext } from '../http-env.ts'

/** Registrations kept per origin; nobody has so many clients, but a stranger may send them. */
const maxClients = 1_000

/** Dynamic client registration (RFC 7591), normalized before oidc-provider sees it. */
export async function registerClient(
  c: HttpContext,
  servers: AuthorizationServers,
): Promise<Response> {
  const origin = c.get('origin')
  const text = await c.req.text()
  if ((await servers.clientCount(origin)) >= maxClients) {
    return refuse(503, 'temporarily_unavailable', 'too many clients are registered')
  }
  try {
    const body = JSON.stringify(normalizeRegistration(JSON.parse(text)))
    await servers.handle(origin, withBody(c.env.incoming as IncomingMessage, body), c.env.outgoing)
    return RESPONSE_ALREADY_SENT
  } catch (error) {
    if (error instanceof OAuthError) return refuse(400, error.code, error.description)
    if (error instanceof SyntaxError) {
      return refuse(400, 'invalid_client_metadata', 'the body is not JSON')
    }
    throw error
  }
}

/** The same request with another body, for a handler that reads it from the stream. */
function withBody(incoming: IncomingMessage, body: string): IncomingMessage {
  const headers = {
    ...incoming.headers,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  }
  delete (headers as Record<string, unknown>)['transfer-encoding']
  const { method, url, socket, httpVersion } = incoming
  return Object.assign(Readable.from([Buffer.from(body)]), {
    headers,
    method,
    url,
    socket,
    httpVersion,
  }) as unknown as IncomingMessage
}

function refuse(status: 400 | 503, error: string, description: string): Response {
  return Response.json(
    { error, error_description: description },
    { status, headers: { 'cache-control': 'no-store' } },
  )
}
