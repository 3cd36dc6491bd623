import * as oauth from 'oauth4webapi'

/** A profile that asks for a token, and the authorization server that gives one. */
export interface Protected {
  readonly resource: string
  readonly scope: string
  readonly as: oauth.AuthorizationServer
  readonly jwksUri: string
}

/**
 * From the 401 to the authorization server: the challenge names the resource's metadata (RFC 9728),
 * which names the issuer, which has metadata of its own (RFC 8414).
 * @throws when a document is not about the address it was asked for
 */
export async function discover(url: URL, challenge: string): Promise<Protected> {
  const metadataUrl = /\bresource_metadata="([^"]+)"/.exec(challenge)?.[1]
  if (!metadataUrl) throw new Error(`${url} asks for credentials, but names no way to a token.`)
  const answer = await fetch(requireHttps(metadataUrl), { redirect: 'error' })
  const metadata = await oauth.processResourceDiscoveryResponse(url, answer)
  const issuer = metadata.authorization_servers?.[0]
  if (!issuer) throw new Error(`${url} names no authorization server.`)
  const asked = new URL(issuer)
  const response = await oauth.discoveryRequest(asked, { algorithm: 'oauth2' })
  const as = await oauth.processDiscoveryResponse(asked, response)
  // oauth4webapi compares parsed addresses; RFC 8414 section 3.3 compares every byte.
  if (as.issuer !== issuer) throw new Error(`${issuer} calls itself ${as.issuer}.`)
  const scope = /\bscope="([^"]+)"/.exec(challenge)?.[1] ?? ''
  return { resource: metadata.resource, scope, as, jwksUri: requireHttps(as.jwks_uri) }
}

function requireHttps(url: string | undefined): string {
  if (url && new URL(url).protocol === 'https:') return url
  throw new Error(`${JSON.stringify(url)} is no HTTPS address, so its answer could be anybody's.`)
}
