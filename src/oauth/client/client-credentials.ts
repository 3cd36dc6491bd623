import { quoted } from '../../lib/printable.ts'
import type { Demand } from './demand.ts'
import { grantOf } from './grant-refresh.ts'
import type { Grant } from './grant-store.ts'
import type { ClientUrls, IssuerAccess } from './issuer-access.ts'
import { selectScopes } from './scopes.ts'
import { requestClientCredentials } from './token-requests.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { ProtectedUpstream } from './upstream-client.ts'

/**
 * Gets a token in the gateway's own name (RFC 6749 section 4.4).
 * @throws UpstreamAuthError client-refused, and what discovery throws
 */
export async function obtainByCredentials(
  upstream: ProtectedUpstream,
  demand: Demand,
  { access, urls, now }: { access: IssuerAccess; urls: ClientUrls; now: () => number },
): Promise<Grant> {
  const { auth } = upstream
  const resource = await access.resource(upstream, demand.resourceMetadata)
  const issuer = await access.issuer(upstream, resource)
  const client = await access.client(upstream, issuer, urls)
  const scopes = selectScopes({
    configured: auth.scopes,
    challenged: demand.scopes,
    listed: resource.scopes,
    steppedUp: demand.steppedUp,
    issuerKnows: undefined,
    mayRefresh: false,
  })
  const fetch = access.fetchFor(upstream)
  const party = {
    fetch,
    issuer,
    client,
    privateKey: auth.privateKey,
    resource: resource.resource,
  }
  const answer = await requestClientCredentials(party, scopes)
  if (!answer.ok) throw credentialsRefused(upstream, answer.description ?? answer.error)
  return grantOf(answer, {
    resource: resource.resource,
    client,
    requestedScopes: scopes,
    now: now(),
  })
}

function credentialsRefused({ name }: ProtectedUpstream, reason: string): UpstreamAuthError {
  return new UpstreamAuthError(
    'client-refused',
    `The authorization server of ${JSON.stringify(name)} refused the gateway's own credentials: ${quoted(reason)}.`,
    {
      hint: 'Check "clientId", "clientSecret" or "privateKey" in the server\'s "auth" in the configuration file.',
    },
  )
}
