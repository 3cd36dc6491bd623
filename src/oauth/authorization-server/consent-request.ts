import type { Interaction, Provider } from 'oidc-provider'
import { oauthUrls } from '../oauth-urls.ts'
import { describeRedirect } from './describe-redirect.ts'
import { oidcScopes } from './request-parameters.ts'
import type { GrantableProfile } from './resource-servers.ts'

/** What the owner is asked to allow. */
export interface ConsentRequest {
  readonly interaction: string
  readonly clientId: string
  readonly clientName: string
  readonly redirectUri: string
  readonly redirectHost: string
  readonly profile: string
  readonly scopes: readonly string[]
  /** Scopes of OpenID Connect, which belong to no resource. */
  readonly oidcScopes: readonly string[]
  readonly issuer: string
}

/** Undefined when the client was forgotten or the profile removed meanwhile. */
export async function describeConsent(
  details: Interaction,
  { provider, profiles }: { provider: Provider; profiles: readonly GrantableProfile[] },
): Promise<ConsentRequest | undefined> {
  const { client_id, redirect_uri, resource, scope } = details.params
  const client = await provider.Client.find(String(client_id))
  const urls = oauthUrls(provider.issuer)
  const profile = profiles.find(({ name }) => urls.resource(name) === [resource].flat()[0])
  if (!client || !profile) return undefined
  const asked = String(scope ?? '').split(' ')
  return {
    interaction: details.uid,
    clientId: client.clientId,
    clientName: plainName(client.clientName ?? client.clientId),
    redirectUri: String(redirect_uri),
    redirectHost: describeRedirect(String(redirect_uri), 'that'),
    profile: profile.name,
    scopes: profile.scopes.filter((one) => asked.includes(one)),
    oidcScopes: asked.filter((one) => oidcScopes.includes(one)),
    issuer: provider.issuer,
  }
}

const maxNameLength = 80

/** A stranger chose the name: no control characters, nothing that turns the text around, not long. */
function plainName(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return plain.length > maxNameLength ? `${plain.slice(0, maxNameLength - 1)}…` : plain
}
