import { OAuthError } from '../oauth-error.ts'

type Metadata = Record<string, unknown>

/** Far more than any client sends; oidc-provider stops at 56 KiB. */
export const maxRegistrationBytes = 32 * 1024

/**
 * A registration request (RFC 7591) in the form oidc-provider accepts: what clients ask for beyond
 * what exists is left out, as section 2 allows, instead of being a reason to refuse them.
 * @throws OAuthError invalid_client_metadata or invalid_redirect_uri
 */
export function normalizeRegistration(body: unknown): Metadata {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new OAuthError('invalid_client_metadata', {
      description: 'the body must be a JSON object',
    })
  }
  // Scopes a client registers limit nothing here; those of each request are what the owner sees.
  const { application_type: _, scope: __, ...metadata } = body as Metadata
  const redirectUris = readRedirectUris(metadata.redirect_uris)
  return {
    ...metadata,
    redirect_uris: redirectUris,
    application_type: applicationType(redirectUris),
    grant_types: known(metadata.grant_types, ['authorization_code', 'refresh_token']),
    response_types: known(metadata.response_types, ['code']),
  }
}

function readRedirectUris(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 20) {
    throw new OAuthError('invalid_redirect_uri', {
      description: '"redirect_uris" must list 1 to 20 URIs',
    })
  }
  return value.map((uri) => {
    const problem = redirectUriProblem(uri)
    if (problem === undefined) return String(uri)
    throw new OAuthError('invalid_redirect_uri', {
      description: `${JSON.stringify(String(uri).slice(0, 200))} ${problem}`,
    })
  })
}

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])
// What a browser would run or show by itself instead of handing it to an application.
const forbiddenSchemes = new Set([
  'javascript:',
  'vbscript:',
  'data:',
  'blob:',
  'file:',
  'about:',
  'view-source:',
  'ws:',
  'wss:',
  'ftp:',
])

/** What is wrong with a redirect URI, if anything. */
export function redirectUriProblem(uri: unknown): string | undefined {
  const url = typeof uri === 'string' ? URL.parse(uri) : null
  if (!url) return 'is not an absolute URI'
  if (String(uri).includes('#')) return 'has a fragment'
  if (url.username !== '' || url.password !== '') return 'has credentials in it'
  if (forbiddenSchemes.has(url.protocol)) return `uses the scheme "${url.protocol}"`
  if (url.protocol === 'http:' && !loopbackHosts.has(url.hostname)) {
    return 'uses "http:" for another machine than the one the client runs on'
  }
  return undefined
}

/** OpenID Connect Registration 2: a web client has HTTPS addresses only. */
function applicationType(redirectUris: readonly string[]): 'web' | 'native' {
  return redirectUris.every(
    (uri) => uri.startsWith('https:') && !loopbackHosts.has(new URL(uri).hostname),
  )
    ? 'web'
    : 'native'
}

function known(value: unknown, supported: readonly string[]): string[] {
  const asked = Array.isArray(value) ? value.filter((one) => supported.includes(one)) : []
  return asked.length > 0 ? asked : [...supported]
}
