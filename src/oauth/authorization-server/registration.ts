import { isLoopbackHost } from '../../lib/hosts.ts'
import { OAuthError } from '../oauth-error.ts'

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

/**
 * Schemes under which known clients are called back by their system. They are not reverse domain
 * names, as RFC 8252 section 7.1 wants them, and `AUTH_REDIRECT_SCHEMES` adds others of that kind.
 */
const knownSchemes: ReadonlySet<string> = new Set([
  'claude',
  'cline',
  'codex',
  'cursor',
  'cursor-nightly',
  'goose',
  'jetbrains',
  'lmstudio',
  'raycast',
  'vscode',
  'vscode-insiders',
  'vscodium',
  'warp',
  'windsurf',
  'windsurf-next',
  'zed',
])

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const maxUriLength = 1_000

/**
 * What is wrong with a redirect URI, if anything. A scheme that is not known may start any program of
 * the system, so that only those that name their owner are taken besides.
 * @param schemes further private-use schemes, without a colon
 */
export function redirectUriProblem(uri: unknown, schemes: readonly string[]): string | undefined {
  const url = typeof uri === 'string' ? URL.parse(uri) : null
  if (!url) return 'is not an absolute URI'
  if (String(uri).length > maxUriLength) return `is longer than ${maxUriLength} characters`
  if (String(uri).includes('#')) return 'has a fragment'
  if (url.username !== '' || url.password !== '') return 'has credentials in it'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:') {
    return loopbackHosts.has(url.hostname)
      ? undefined
      : 'uses "http:" for another machine than the one the client runs on'
  }
  const scheme = url.protocol.slice(0, -1)
  if (knownSchemes.has(scheme) || schemes.includes(scheme) || isReverseDomain(scheme)) {
    return undefined
  }
  return `uses the scheme "${url.protocol}", which is neither a reverse domain name nor that of a known client; AUTH_REDIRECT_SCHEMES adds to these`
}

/** OpenID Connect Registration 2: a web client has HTTPS addresses only. */
function isWebAddress(uri: string): boolean {
  return uri.startsWith('https:') && !loopbackHosts.has(new URL(uri).hostname)
}

/** As `com.example.app` of the owner of `example.com`. */
function isReverseDomain(scheme: string): boolean {
  return /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+$/.test(scheme)
}

/**
 * Where an answer goes, in words for the person who has to judge it: `this` browser is the one they
 * look at, `that` one may be anywhere.
 */
export function describeRedirect(redirectUri: string, browser: 'this' | 'that'): string {
  const url = URL.parse(redirectUri)
  if (!url) return 'an unknown address'
  if (isLoopbackHost(url.hostname)) return `${url.host} (the computer of ${browser} browser)`
  if (url.protocol === 'https:') return url.host
  return `an application on the computer of ${browser} browser (${url.protocol})`
}
