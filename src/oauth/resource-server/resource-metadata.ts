import { oauthUrls } from '../oauth-urls.ts'
import type { ResourceMetadataDocument } from './wire-types.ts'

/** What a profile asks for, as its metadata and challenges say it. */
export interface ProtectedProfile {
  readonly name: string
  readonly description: string | undefined
  /** Every scope that exists for it, the base scope first. */
  readonly scopes: readonly string[]
}

/** Protected resource metadata of a profile in one origin (RFC 9728 section 2). */
export function createResourceMetadata(
  profile: ProtectedProfile,
  options: { origin: string; authorizationServers: readonly string[] },
): ResourceMetadataDocument {
  return {
    resource: oauthUrls(options.origin).resource(profile.name),
    authorization_servers: options.authorizationServers,
    scopes_supported: profile.scopes,
    // RFC 6750 section 2.3: tokens in the query end up in logs, so they are never read from there.
    bearer_methods_supported: ['header'],
    resource_name: profile.description ?? `Sallyport: ${profile.name}`,
  }
}
