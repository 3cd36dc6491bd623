import { randomUUID } from 'node:crypto'
import { UserError } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import { quoted } from '../../lib/printable.ts'
import { splitScope } from './challenge.ts'
import { discoverIssuer } from './discovery.ts'
import type { IssuerAccess } from './issuer-access.ts'
import { type IssuedTokens, requestTokens, type TokenAnswer } from './token-endpoint.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type {
  ClientIdentity,
  ProtectedUpstream,
  UpstreamGrant,
  UpstreamGrants,
} from './upstream-grants.ts'

/** How long before its end an access token is renewed, ms, but at most a tenth of its life. */
const marginMs = 60_000
/** After a renewal that nobody answered, calls wait so long before the next attempt, ms. */
const pauseMs = 5_000

interface RefreshOptions {
  readonly grants: UpstreamGrants
  readonly access: IssuerAccess
  readonly now: () => number
  readonly logger: Logger
}

export type HeldGrants = ReturnType<typeof createHeldGrants>

/** Holds the grants in use and renews each at most once at a time. */
export function createHeldGrants(options: RefreshOptions) {
  const { grants, now } = options
  const held = new Map<string, UpstreamGrant | undefined>()
  const running = new Map<string, Promise<UpstreamGrant | undefined>>()
  const paused = new Map<string, { until: number; error: UpstreamAuthError }>()
  const keyOf = ({ name, url }: ProtectedUpstream) => `${name} ${url}`

  /** Everybody who asks while a renewal runs gets its outcome. */
  function once(
    upstream: ProtectedUpstream,
    task: () => Promise<UpstreamGrant | undefined>,
  ): Promise<UpstreamGrant | undefined> {
    const key = keyOf(upstream)
    const current = running.get(key)
    if (current) return current
    const pause = paused.get(key)
    if (pause && now() < pause.until) return Promise.reject(pause.error)
    const started = task()
      .catch((error: unknown) => {
        if (error instanceof UpstreamAuthError) paused.set(key, { until: now() + pauseMs, error })
        throw error
      })
      .finally(() => running.delete(key))
    running.set(key, started)
    return started
  }

  async function reload(upstream: ProtectedUpstream): Promise<UpstreamGrant | undefined> {
    const stored = await grants.grant(upstream)
    held.set(keyOf(upstream), stored)
    return stored
  }

  async function replace(upstream: ProtectedUpstream, grant: UpstreamGrant): Promise<void> {
    await grants.saveGrant(upstream, grant)
    held.set(keyOf(upstream), grant)
    paused.delete(keyOf(upstream))
  }

  async function refresh(
    upstream: ProtectedUpstream,
    spent: string | undefined,
  ): Promise<UpstreamGrant | undefined> {
    const stored = await reload(upstream)
    // Another call, or another process, was faster.
    if (!stored || (stored.accessToken !== spent && isFresh(stored))) return stored
    const isRenewed = await refreshGrant(upstream, stored, options)
    const grant = await reload(upstream)
    return isRenewed ? grant : undefined
  }

  function isFresh(grant: UpstreamGrant): boolean {
    if (grant.refreshSentAt !== undefined || grant.accessToken === undefined) return false
    if (grant.expiresAt === undefined) return true
    const margin = Math.min(marginMs, (grant.expiresAt - grant.obtainedAt) / 10)
    return now() < grant.expiresAt - margin
  }

  function unlessOver(grant: UpstreamGrant): UpstreamGrant | undefined {
    const { accessToken, expiresAt } = grant
    const isOver = expiresAt !== undefined && now() >= expiresAt
    return accessToken === undefined || isOver ? undefined : grant
  }

  return {
    /** A grant whose access token is fresh, renewed if need be; undefined when there is none. */
    async fresh(upstream: ProtectedUpstream): Promise<UpstreamGrant | undefined> {
      const key = keyOf(upstream)
      const grant = held.has(key) ? held.get(key) : await reload(upstream)
      if (!grant || isFresh(grant)) return grant
      if (grant.refreshToken === undefined) {
        // Its own credentials get another one whenever it is time.
        return upstream.auth.grant === 'client_credentials' ? undefined : unlessOver(grant)
      }
      try {
        const renewed = await once(upstream, () => refresh(upstream, grant.accessToken))
        return renewed ?? unlessOver(grant)
      } catch (error) {
        const usable = error instanceof UserError ? unlessOver(grant) : undefined
        if (usable) return usable
        throw error
      }
    },
    /** The grant as stored, which another process may have replaced. */
    reload,
    /** Replaces the access token that was refused; undefined when only a login helps. */
    renew: (upstream: ProtectedUpstream, refused: string | undefined) =>
      once(upstream, () => refresh(upstream, refused)),
    /** Stores what `task` obtains; whoever asks while it runs gets the same. */
    obtain: (upstream: ProtectedUpstream, task: () => Promise<UpstreamGrant>) =>
      once(upstream, async () => {
        const grant = await task()
        await replace(upstream, grant)
        return grant
      }),
    replace,
    /** Leaves nothing of a grant but its scopes: the next login asks for them again. */
    async spend(upstream: ProtectedUpstream, grant: UpstreamGrant): Promise<void> {
      const spent = { ...grant, accessToken: undefined, refreshToken: undefined }
      await grants.renewGrant(upstream, spent)
      held.delete(keyOf(upstream))
    },
    async forget(upstream: ProtectedUpstream): Promise<void> {
      await grants.deleteGrant(upstream)
      held.delete(keyOf(upstream))
    },
  }
}

/**
 * Uses a refresh token, and stores what comes of it; false when only a login helps, and true when
 * somebody else has decided meanwhile. It survives a
 * crash and a lost answer: before the request the stored grant is marked, with its tokens, and only
 * the new grant replaces them. A marked grant is refreshed with the old token again, which an issuer
 * with a grace period answers, and one without refuses.
 * @throws UpstreamAuthError when nothing was decided; the grant is kept then
 */
async function refreshGrant(
  upstream: ProtectedUpstream,
  grant: UpstreamGrant,
  options: RefreshOptions,
): Promise<boolean> {
  const { grants, access, now, logger } = options
  const { refreshToken } = grant
  const client = withSecretOfNow(grant.client, upstream)
  if (refreshToken === undefined) return false
  const fetch = access.fetchFor(upstream)
  const issuer = await discoverIssuer(fetch, client.issuer)
  const { privateKey } = upstream.auth
  const request = { fetch, issuer, client, privateKey, resource: grant.resource }

  if (!(await grants.renewGrant(upstream, { ...grant, refreshSentAt: now() }))) return true
  const answer = await twice(() =>
    requestTokens(request, 'refresh_token', { refresh_token: refreshToken }),
  )
  if (answer.ok) {
    await grants.renewGrant(upstream, grantOf(answer, { ...grant, now: now() }))
    return true
  }
  const reason = grant.refreshSentAt === undefined ? answer.error : 'interrupted before'
  logger.warn('the login of a server cannot be renewed', { server: upstream.name, reason })
  if (!isFinal(answer.error, client)) throw notRenewed(upstream, answer)
  if (answer.error === 'invalid_client' && client.kind === 'dynamic') {
    await grants.deleteClient(client)
  }
  const { refreshSentAt: _, ...spent } = { ...grant, refreshToken: undefined }
  await grants.renewGrant(upstream, spent)
  return false
}

/** The grant that fresh tokens make. A refresh token that is not replaced stays (RFC 6749 6). */
export function grantOf(
  tokens: IssuedTokens,
  from: Pick<UpstreamGrant, 'resource' | 'client' | 'requestedScopes'> & {
    id?: string
    refreshToken?: string | undefined
    grantedScopes?: readonly string[]
    now: number
  },
): UpstreamGrant {
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
function isFinal(error: string, client: ClientIdentity): boolean {
  if (error === 'invalid_client') return client.kind !== 'configured'
  return ['invalid_grant', 'unauthorized_client', 'invalid_scope'].includes(error)
}

/** A secret that was changed in the configuration since the login. */
function withSecretOfNow(client: ClientIdentity, { auth }: ProtectedUpstream): ClientIdentity {
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
