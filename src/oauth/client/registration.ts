import type { AuthorizationServer } from 'oauth4webapi'
import type { GuardedFetch } from '../../lib/guarded-fetch.ts'
import { zoneOfHost } from '../../lib/hosts.ts'
import { quoted } from '../../lib/printable.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { ClientIdentity } from './upstream-grants.ts'

/**
 * Registers at an issuer (RFC 7591) as a public client where it takes one.
 * @throws UpstreamAuthError no-client or registration-refused, both naming the redirect URI
 */
export async function registerAtIssuer(
  fetch: GuardedFetch,
  issuer: AuthorizationServer,
  redirectUri: string,
): Promise<ClientIdentity> {
  const endpoint = URL.parse(issuer.registration_endpoint ?? '')
  if (!endpoint) throw noClient(issuer, redirectUri)
  const takesPublic = issuer.token_endpoint_auth_methods_supported?.includes('none')
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({
      ...clientMetadata(redirectUri),
      ...(takesPublic && { token_endpoint_auth_method: 'none' }),
    }),
  })
  const answer = await readJson(response)
  if (!response.ok || typeof answer.client_id !== 'string') {
    throw registrationRefused(issuer, redirectUri, answer.error_description ?? answer.error)
  }
  return readClient(answer, { client_id: answer.client_id, issuer, redirectUri })
}

/** What we register as, for one redirect URI (RFC 7591 section 2). */
function clientMetadata(redirectUri: string) {
  const { protocol, hostname } = new URL(redirectUri)
  // RFC 8252 7.3 allows http on loopback to native clients only.
  const isNative = protocol === 'http:' && zoneOfHost(hostname) === 'loopback'
  return {
    client_name: 'Sallyport',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    // OpenID Connect Registration 1.0: decides which redirect URIs a server accepts.
    application_type: isNative ? 'native' : 'web',
  }
}

/** The document an issuer fetches from our address (CIMD): its `client_id` is that address. */
export function clientMetadataDocument(documentUrl: string, redirectUri: string) {
  return {
    client_id: documentUrl,
    ...clientMetadata(redirectUri),
    token_endpoint_auth_method: 'none',
  }
}

/**
 * Lenient where oauth4webapi is not: `client_secret_expires_at` is required with a secret (RFC 7591
 * 3.2.1), and many servers leave it out.
 */
function readClient(
  answer: Record<string, unknown>,
  known: { client_id: string; issuer: AuthorizationServer; redirectUri: string },
): ClientIdentity {
  const { client_secret, client_secret_expires_at, token_endpoint_auth_method } = answer
  const ends = Number(client_secret_expires_at ?? 0)
  return {
    kind: 'dynamic',
    issuer: known.issuer.issuer,
    redirectUri: known.redirectUri,
    clientId: known.client_id,
    ...(typeof client_secret === 'string' && { clientSecret: client_secret }),
    ...(typeof token_endpoint_auth_method === 'string' && {
      authMethod: token_endpoint_auth_method,
    }),
    ...(ends > 0 && { expiresAt: ends * 1000 }),
  }
}

async function readJson(response: Response): Promise<Record<string, unknown>> {
  const value: unknown = await response.json().catch(() => {
    // Not JSON: judged by its status alone.
    return undefined
  })
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function noClient(issuer: AuthorizationServer, redirectUri: string): UpstreamAuthError {
  return new UpstreamAuthError(
    'no-client',
    `The authorization server ${quoted(issuer.issuer)} does not register clients by itself.`,
    { hint: byHand(redirectUri) },
  )
}

function registrationRefused(
  issuer: AuthorizationServer,
  redirectUri: string,
  reason: unknown,
): UpstreamAuthError {
  const because = reason === undefined ? '' : `: ${quoted(reason)}`
  return new UpstreamAuthError(
    'registration-refused',
    `The authorization server ${quoted(issuer.issuer)} refused to register the gateway${because}.`,
    { hint: byHand(redirectUri) },
  )
}

function byHand(redirectUri: string): string {
  return `Register a client there with the redirect URI ${redirectUri}, and set "clientId" (and "clientSecret") in the server's "auth" in the configuration file.`
}
