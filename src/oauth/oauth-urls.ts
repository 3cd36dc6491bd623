import { paths, publicUrls } from '../origin/public-urls.ts'

/** Paths of the authorization server and of the metadata documents, the same in every origin. */
export const oauthPaths = {
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  register: '/oauth/register',
  revoke: '/oauth/revoke',
  introspect: '/oauth/introspect',
  jwks: '/oauth/jwks',
  consent: (interaction: string) => `/oauth/consent/${encodeURIComponent(interaction)}`,
  authorizationServerMetadata: '/.well-known/oauth-authorization-server',
  openidConfiguration: '/.well-known/openid-configuration',
  /** RFC 9728 section 3: the well-known part goes before the path of the resource. */
  resourceMetadata: (profile: string) =>
    `/.well-known/oauth-protected-resource${paths.mcp(profile)}`,
  rootResourceMetadata: '/.well-known/oauth-protected-resource',
} as const

/** What an origin of ours is called in OAuth: as an issuer, and as the home of its resources. */
export interface OAuthUrls {
  /** Equals the URL used for discovery, byte for byte (RFC 8414 section 3.3). */
  readonly issuer: string
  /** The resource identifier of a profile: no trailing slash (RFC 8707 section 2). */
  resource(profile: string): string
  resourceMetadata(profile: string): string
}

export function oauthUrls(origin: string): OAuthUrls {
  return {
    issuer: origin,
    resource: publicUrls(origin).mcp,
    resourceMetadata: (profile) => `${origin}${oauthPaths.resourceMetadata(profile)}`,
  }
}
