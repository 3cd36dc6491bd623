/** Where a protected resource's metadata may be, best first (RFC 9728 section 3.1, then the root). */
export function resourceMetadataUrls(serverUrl: string): string[] {
  const { origin, pathname, search } = new URL(serverUrl)
  const path = pathname.replace(/\/$/, '')
  const root = `${origin}/.well-known/oauth-protected-resource`
  return [...new Set([`${root}${path}${search}`, `${root}${path}`, root])]
}

/**
 * Where an authorization server's metadata may be, best first: RFC 8414 section 3.1, OpenID Connect
 * Discovery with the path inserted the same way, and appended as its section 4 has it.
 */
export function issuerMetadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ]
}

/** A server's resource identifier when its metadata gives none (RFC 8707 section 2: no fragment). */
export function canonicalResource(serverUrl: string): string {
  const url = new URL(serverUrl)
  url.hash = ''
  const text = url.href
  return url.search === '' ? text.replace(/\/$/, '') : text
}

/**
 * Whether metadata that names `resource` may speak for the server (RFC 9728 section 3.3): the same
 * origin, and the same path or one above it, segment by segment.
 */
export function isResourceOf(serverUrl: string, resource: string): boolean {
  const server = new URL(serverUrl)
  const claimed = URL.parse(resource)
  if (!claimed || claimed.origin !== server.origin || claimed.hash !== '') return false
  if (claimed.search !== '' && claimed.search !== server.search) return false
  const folder = claimed.pathname.replace(/\/?$/, '/')
  return `${server.pathname}/`.startsWith(folder)
}
