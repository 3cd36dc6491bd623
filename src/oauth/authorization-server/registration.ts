import { OAuthError } from '../oauth-error.ts'
import { isWebAddress, redirectUriProblem } from './redirect-uri.ts'

type Metadata = Record<string, unknown>

/** Far more than any client sends. */
export const maxRegistrationBytes = 32 * 1024
const maxNameLength = 200

/**
 * A registration request (RFC 7591) in the form oidc-provider accepts, and nothing that is not used:
 * what clients ask for beyond what exists is left out, as section 2 allows, instead of being a reason
 * to refuse them. Scopes are among that: those of each request are what the owner sees.
 * @param schemes further schemes of redirect URIs
 * @throws OAuthError invalid_client_metadata or invalid_redirect_uri
 */
export function normalizeRegistration(body: unknown, schemes: readonly string[]): Metadata {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new OAuthError('invalid_client_metadata', {
      description: 'the body must be a JSON object',
    })
  }
  const asked = body as Metadata
  const redirectUris = readRedirectUris(asked.redirect_uris, schemes)
  const { client_name, token_endpoint_auth_method } = asked
  return {
    ...(isGiven(client_name) && { client_name: shortName(client_name) }),
    ...(isGiven(token_endpoint_auth_method) && { token_endpoint_auth_method }),
    redirect_uris: redirectUris,
    application_type: redirectUris.every(isWebAddress) ? 'web' : 'native',
    grant_types: known(asked.grant_types, ['authorization_code', 'refresh_token']),
    response_types: known(asked.response_types, ['code']),
  }
}

function readRedirectUris(value: unknown, schemes: readonly string[]): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 20) {
    throw new OAuthError('invalid_redirect_uri', {
      description: '"redirect_uris" must list 1 to 20 URIs',
    })
  }
  return value.map((uri) => {
    const problem = redirectUriProblem(uri, schemes)
    if (problem === undefined) return String(uri)
    throw new OAuthError('invalid_redirect_uri', {
      description: `${JSON.stringify(String(uri).slice(0, 200))} ${problem}`,
    })
  })
}

/** Clients that send every field leave the optional ones empty. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function shortName(name: unknown): unknown {
  return typeof name === 'string' ? name.slice(0, maxNameLength) : name
}

function known(value: unknown, supported: readonly string[]): string[] {
  const asked = Array.isArray(value) ? value.filter((one) => supported.includes(one)) : []
  return asked.length > 0 ? asked : [...supported]
}
