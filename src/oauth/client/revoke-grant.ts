import { allowInsecureRequests, customFetch, revocationRequest } from 'oauth4webapi'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import { clientAuthentications } from './client-authentication.ts'
import { discoverIssuer } from './discovery.ts'
import type { Grant } from './grant-store.ts'
import type { IssuerAccess } from './issuer-access.ts'
import type { ProtectedUpstream } from './upstream-client.ts'

/** Tells the issuer to end a grant (RFC 7009); best effort, as we forget it either way. */
export async function revokeGrant(
  upstream: ProtectedUpstream,
  grant: Grant,
  { access, logger }: { access: IssuerAccess; logger: Logger },
): Promise<void> {
  const { client } = grant
  // RFC 7009 2.1: with the refresh token go the access tokens made from it.
  const token = grant.refreshToken ?? grant.accessToken
  if (token === undefined) return
  try {
    const fetch = access.fetchFor(upstream)
    const issuer = await discoverIssuer(fetch, client.issuer)
    if (issuer.revocation_endpoint === undefined) return
    const [auth] = await clientAuthentications(issuer, client, upstream.auth.privateKey)
    if (!auth) return
    await revocationRequest(issuer, { client_id: client.clientId }, auth, token, {
      [allowInsecureRequests]: true,
      [customFetch]: (url, { method, headers, body }) => fetch(url, { method, headers, body }),
    })
  } catch (error) {
    logger.info('the grant was not revoked at its issuer', {
      server: upstream.name,
      reason: messageOf(error),
    })
  }
}
