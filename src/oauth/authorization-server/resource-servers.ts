import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider'
import { oauthUrls } from '../oauth-urls.ts'
import { baseScope } from '../policy.ts'
import { signingAlgorithm } from './signing-keys.ts'

/** A profile as a client can ask for it. */
export interface GrantableProfile {
  readonly name: string
  readonly scopes: readonly string[]
}

export const accessTokenSeconds = 3_600

/** The resource of a request that names none, as clients before MCP 2025-06-18 do. */
export function defaultResource(
  issuer: string,
  profiles: readonly GrantableProfile[],
): string | undefined {
  const first = profiles[0]
  return first && oauthUrls(issuer).resource(first.name)
}

/**
 * RFC 8707 section 2: the resource decides profile and audience. One at a time, so that what the
 * owner is shown is all there is.
 */
export function describeResource(
  ctx: KoaContextWithOIDC,
  resource: string,
  { issuer, profiles }: { issuer: string; profiles: readonly GrantableProfile[] },
): ResourceServer {
  const profile = profiles.find(({ name }) => oauthUrls(issuer).resource(name) === resource)
  const asked = [ctx.oidc.params?.resource].flat()
  if (!profile || asked.length > 1) throw new errors.InvalidTarget()
  return {
    scope: [...new Set([baseScope, ...profile.scopes])].join(' '),
    audience: resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: accessTokenSeconds,
    jwt: { sign: { alg: signingAlgorithm } },
  }
}
