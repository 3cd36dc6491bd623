import { oauthUrls } from '../oauth-urls.ts'
import { baseScope } from '../policy.ts'
import { defaultResource, type GrantableProfile } from './resource-servers.ts'

/** Scopes of OpenID Connect, which belong to no resource. */
export const oidcScopes: readonly string[] = ['openid', 'offline_access']

export interface IssuerProfiles {
  readonly issuer: string
  readonly profiles: readonly GrantableProfile[]
}

/** The identifier of a profile, also for clients that were given it with a slash at its end. */
export function plainResource(resource: string, { issuer, profiles }: IssuerProfiles): string {
  const { resource: identifierOf } = oauthUrls(issuer)
  const meant = profiles.find(({ name }) => `${identifierOf(name)}/` === resource)
  return meant ? identifierOf(meant.name) : resource
}

/**
 * What an authorization request asks for: scopes that nobody here knows are left out, and with none
 * left that opens the profile it gets the default (RFC 6749 section 3.3).
 */
export function grantableScope(
  scope: string | undefined,
  resource: string | undefined,
  { issuer, profiles }: IssuerProfiles,
): string {
  const { resource: identifierOf } = oauthUrls(issuer)
  const asked = (scope ?? '').split(' ')
  const target = resource ?? defaultResource(issuer, profiles)
  const profile = profiles.find(({ name }) => identifierOf(name) === target)
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
