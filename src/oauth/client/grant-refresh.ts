import { randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { quoted } from '../../lib/printable.ts'
import { discoverIssuer } from './discovery.ts'
import type { Grant, GrantStore } from './grant-store.ts'
import type { IssuerAccess } from './issuer-access.ts'
import { splitScope } from './scopes.ts'
import type { IssuedTokens, TokenAnswer } from './token-endpoint.ts'
import { refreshTokens } from './token-requests.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { OAuthClient, ProtectedUpstream } from './upstream-client.ts'

export interface GrantRefreshOptions {
  readonly grants: GrantStore
  readonly access: IssuerAccess
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
}

/**
 * Uses a refresh token, and stores what comes of it; false when only a login helps. It survives a
 * crash and a lost answer: before the request the stored grant is marked, with its tokens, and only
 * the new grant replaces them. A marked grant is refreshed with the old token again, which an issuer
 * with a grace period answers, and one without refuses.
 * @throws UpstreamAuthError when nothing was decided; the grant is kept then
 */
export async function refreshGrant(
  upstream: ProtectedUpstream,
  grant: Grant,
  options: GrantRefreshOptions,
): Promise<boolean> {
  const { grants, access, clock, logger } = options
  const { refreshToken } = grant
  const client = withSecretOfNow(grant.client, upstream)
  if (refreshToken === undefined) return false
  const fetch = access.fetchFor(upstream)
  const issuer = await discoverIssuer(fetch, client.issuer)
  const { privateKey } = upstream.auth
  const party = { fetch, issuer, client, privateKey, resource: grant.resource }

  await grants.saveGrant(upstream, { ...grant, refreshSentAt: clock.now() })
  const answer = await twice(() => refreshTokens(party, refreshToken))
  if (answer.ok) {
    await saveUnlessReplaced(grantOf(answer, { ...grant, now: clock.now() }))
    return true
  }
  const reason = grant.refreshSentAt === undefined ? answer.error : 'interrupted before'
  logger.warn('the login of a server cannot be renewed', { server: upstream.name, reason })
  if (!isFinal(answer.error, client)) throw notRenewed(upstream, answer)
  if (answer.error === 'invalid_client' && client.kind === 'dynamic') {
    await grants.deleteClient(client)
  }
  const { refreshSentAt: _, ...spent } = { ...grant, refreshToken: undefined }
  await saveUnlessReplaced(spent)
  return false

  /** A login, or a disconnect, that came in between decides. */
  async function saveUnlessReplaced(next: Grant): Promise<void> {
    if ((await grants.grant(upstream))?.id === grant.id) await grants.saveGrant(upstream, next)
  }
}

/** The grant that fresh tokens make. A refresh token that is not replaced stays (RFC 6749 6). */
export function grantOf(
  tokens: IssuedTokens,
  from: Pick<Grant, 'resource' | 'client' | 'requestedScopes'> & {
    id?: string
    refreshToken?: string | undefined
    grantedScopes?: readonly string[]
    now: number
  },
): Grant {
  const { resource, client, requestedScopes, now } = from
  const asked = from.grantedScopes ?? requestedScopes
  return {
    id: from.id ?? randomUUID(),
    resource,
    client,
    requestedScopes,
    grantedScopes: tokens.scope === undefined ? asked : splitScope(tokens.scope),
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken ?? from.refreshToken,
    obtainedAt: now,
    expiresAt: tokens.expiresInMs === undefined ? undefined : now + tokens.expiresInMs,
  }
}

/** An answer that was lost on the way is asked for again at once, while a grace period lasts. */
async function twice(ask: () => Promise<TokenAnswer>): Promise<TokenAnswer> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof UpstreamAuthError) || error.failure !== 'unreachable') throw error
    return ask()
  }
}

/**
 * RFC 6749 5.2: only these say that the refresh token will never work again. A configured client
 * that is refused may have a mistyped secret, which its owner can correct.
 */
function isFinal(error: string, client: OAuthClient): boolean {
  if (error === 'invalid_client') return client.kind !== 'configured'
  return ['invalid_grant', 'unauthorized_client', 'invalid_scope'].includes(error)
}

/** A secret that was changed in the configuration since the login. */
function withSecretOfNow(client: OAuthClient, { auth }: ProtectedUpstream): OAuthClient {
  const isSame = client.kind === 'configured' && client.clientId === auth.clientId
  return isSame && auth.clientSecret !== undefined
    ? { ...client, clientSecret: auth.clientSecret }
    : client
}

function notRenewed(
  { name }: ProtectedUpstream,
  { error, description }: { error: string; description: string | undefined },
): UpstreamAuthError {
  return new UpstreamAuthError(
    'grant-refused',
    `The login of ${JSON.stringify(name)} could not be renewed: ${quoted(description ?? error)}.`,
    {
      hint: 'The login is kept. Check "clientId" and "clientSecret" if the server has them in the configuration file, or try again later.',
    },
  )
}
