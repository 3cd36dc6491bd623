import { oauthUrls } from '../oauth-urls.ts'
import { baseScope } from '../policy.ts'

/** A profile as a client can ask for it. */
export interface GrantableProfile {
  readonly name: string
  readonly scopes: readonly string[]
}

/** Those of one issuer, the one to use when a client names none first. */
interface IssuerProfiles {
  readonly issuer: string
  readonly profiles: readonly GrantableProfile[]
}

/** Scopes of OpenID Connect, which belong to no resource. */
export const oidcScopes: readonly string[] = ['openid', 'offline_access']

/** The profile behind a resource identifier, which decides audience and scopes (RFC 8707 section 2). */
export function profileOfResource(
  resource: unknown,
  { issuer, profiles }: IssuerProfiles,
): GrantableProfile | undefined {
  return profiles.find(({ name }) => oauthUrls(issuer).resource(name) === resource)
}

/** The resource of a request that names none, as clients before MCP 2025-06-18 do. */
export function defaultResource({ issuer, profiles }: IssuerProfiles): string | undefined {
  const [first] = profiles
  return first && oauthUrls(issuer).resource(first.name)
}

/** The identifier of a profile, also for clients that were given it with a slash at its end. */
export function plainResource(resource: string, issuer: IssuerProfiles): string {
  const plain = resource.replace(/\/$/, '')
  return profileOfResource(plain, issuer) ? plain : resource
}

/**
 * What an authorization request asks for: scopes that nobody here knows are left out, and with none
 * left that opens the profile it gets the default (RFC 6749 section 3.3).
 */
export function grantableScope(
  scope: string | undefined,
  resource: string | undefined,
  issuer: IssuerProfiles,
): string {
  const asked = (scope ?? '').split(' ')
  const profile = profileOfResource(resource ?? defaultResource(issuer), issuer)
  const own = [baseScope, ...(profile?.scopes ?? [])].filter((one) => asked.includes(one))
  const opening = own.length > 0 ? own : [baseScope]
  return [...new Set([...opening, ...oidcScopes.filter((one) => asked.includes(one))])].join(' ')
}

/** The form of a token request with the same rules; the scopes of a refresh are those it may name. */
export function plainTokenRequest(body: string, issuer: IssuerProfiles): string {
  const form = new URLSearchParams(body)
  const resources = form.getAll('resource')
  form.delete('resource')
  for (const one of resources) form.append('resource', plainResource(one, issuer))
  const scope = form.get('scope')
  if (scope !== null) {
    const known = [baseScope, ...issuer.profiles.flatMap(({ scopes }) => scopes), ...oidcScopes]
    const kept = scope.split(' ').filter((one) => known.includes(one))
    if (kept.length > 0) form.set('scope', kept.join(' '))
    else form.delete('scope')
  }
  return form.toString()
}
