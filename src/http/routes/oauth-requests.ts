import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type {
  AuthorizationServers,
  OAuthRequest,
} from '../../oauth/authorization-server/authorization-servers.ts'
import type { ConsentExchange } from '../../oauth/authorization-server/consent.ts'
import {
  type GrantableProfile,
  plainTokenRequest,
} from '../../oauth/authorization-server/grantable-profiles.ts'
import { normalizeRegistration } from '../../oauth/authorization-server/registration.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import type { Sender } from '../../origin/client-address.ts'
import type { HttpContext } from '../http-env.ts'

interface OAuthRequestDeps {
  readonly servers: Pick<AuthorizationServers, 'handle'>
  readonly redirectSchemes: readonly string[]
  profiles(): readonly GrantableProfile[]
  senderOf(c: HttpContext): Sender
}

/** Dynamic client registration (RFC 7591), normalized before oidc-provider sees it. */
export async function registerClient(c: HttpContext, deps: OAuthRequestDeps): Promise<Response> {
  try {
    const metadata = normalizeRegistration(JSON.parse(await c.req.text()), deps.redirectSchemes)
    return await send(c, deps, { type: 'application/json', body: JSON.stringify(metadata) })
  } catch (error) {
    if (error instanceof OAuthError) return refuse(error.code, error.description)
    if (error instanceof SyntaxError)
      return refuse('invalid_client_metadata', 'the body is not JSON')
    throw error
  }
}

/** A form, with what clients are known to send in token requests put as it is compared. */
export async function forwardForm(c: HttpContext, deps: OAuthRequestDeps): Promise<Response> {
  const type = c.req.header('content-type') ?? ''
  const text = await c.req.text()
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(type)
  const issuer = { issuer: c.get('origin'), profiles: deps.profiles() }
  return send(c, deps, { type, body: isForm ? plainTokenRequest(text, issuer) : text })
}

/** What the authorization server is given of a request. */
export function requestOf(
  c: HttpContext,
  { senderOf }: Pick<OAuthRequestDeps, 'senderOf'>,
): OAuthRequest {
  return {
    // Hono's types allow HTTP/2 as well, which no listener of ours speaks.
    incoming: c.env.incoming as IncomingMessage,
    outgoing: c.env.outgoing as ServerResponse,
    sender: senderOf(c),
  }
}

/** The same for the interaction in its path. */
export function exchangeOf(
  c: HttpContext,
  deps: Pick<OAuthRequestDeps, 'senderOf'>,
): ConsentExchange {
  return { ...requestOf(c, deps), interaction: c.req.param('interaction') ?? '' }
}

async function send(
  c: HttpContext,
  deps: OAuthRequestDeps,
  content: { type: string; body: string },
): Promise<Response> {
  const request = requestOf(c, deps)
  const incoming = withBody(request.incoming, content)
  await deps.servers.handle(c.get('origin'), { ...request, incoming })
  return RESPONSE_ALREADY_SENT
}

/** The same request with another body, for a handler that reads it from the stream. */
function withBody(
  incoming: IncomingMessage,
  { type, body }: { type: string; body: string },
): IncomingMessage {
  const headers: Record<string, unknown> = {
    ...incoming.headers,
    'content-type': type,
    'content-length': String(Buffer.byteLength(body)),
  }
  delete headers['transfer-encoding']
  const { method, url, socket, httpVersion } = incoming
  return Object.assign(Readable.from([Buffer.from(body)]), {
    headers,
    method,
    url,
    socket,
    httpVersion,
  }) as unknown as IncomingMessage
}

function refuse(error: string, description: string): Response {
  return Response.json(
    { error, error_description: description },
    { status: 400, headers: { 'cache-control': 'no-store' } },
  )
}
