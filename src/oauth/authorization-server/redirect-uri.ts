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
const maxLength = 1_000

/**
 * What is wrong with a redirect URI, if anything. A scheme that is not known may start any program of
 * the system, so that only those that name their owner are taken besides.
 * @param schemes further private-use schemes, without a colon
 */
export function redirectUriProblem(uri: unknown, schemes: readonly string[]): string | undefined {
  const url = typeof uri === 'string' ? URL.parse(uri) : null
  if (!url) return 'is not an absolute URI'
  if (String(uri).length > maxLength) return `is longer than ${maxLength} characters`
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
export function isWebAddress(uri: string): boolean {
  return uri.startsWith('https:') && !loopbackHosts.has(new URL(uri).hostname)
}

/** As `com.example.app` of the owner of `example.com`. */
function isReverseDomain(scheme: string): boolean {
  return /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+$/.test(scheme)
}
