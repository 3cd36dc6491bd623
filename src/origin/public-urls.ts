/** Every URL that is derived from one of our origins. Nobody else puts such a URL together. */
export interface PublicUrls {
  readonly origin: string
  /** The protected resource of a profile: no trailing slash. */
  mcp(profile: string): string
  readonly redirectUri: string
  /** Begins the login to an upstream; the ticket shows that the link came from the terminal. */
  upstreamLogin(server: string, ticket: string): string
  /** Opens an admin session, once. */
  adminLogin(secret: string): string
  /** Our client metadata document (CIMD), which is a client id as well. */
  readonly clientMetadata: string
  /** Answers a challenge, which proves that an address leads to this very process. */
  proof(challenge: string): string
  /** Streams two events, which shows whether an edge lets streams through; see `tunnels/probe-stream.ts`. */
  probeStream(ticket: string): string
}

/** @param origin scheme, host and port without a trailing slash, such as `https://localhost:3443` */
export function publicUrls(origin: string): PublicUrls {
  return {
    origin,
    mcp: (profile) => `${origin}${paths.mcp(profile)}`,
    redirectUri: `${origin}/api/oauth/callback`,
    upstreamLogin: (server, ticket) =>
      `${origin}/api/oauth/login/${encodeURIComponent(server)}?ticket=${encodeURIComponent(ticket)}`,
    adminLogin: (secret) => `${origin}/admin/login/${encodeURIComponent(secret)}`,
    clientMetadata: `${origin}/api/oauth/client-metadata.json`,
    proof: (challenge) => `${origin}/api/proof/${encodeURIComponent(challenge)}`,
    probeStream: (ticket) => `${origin}/api/probe/stream/${encodeURIComponent(ticket)}`,
  }
}

/** The same, as paths within an origin. */
export const paths = {
  mcp: (profile: string) => `/api/mcp/${encodeURIComponent(profile)}`,
  messages: (profile: string) => `${paths.mcp(profile)}/messages`,
}
