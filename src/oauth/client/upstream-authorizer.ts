import { quoted } from '../../lib/printable.ts'
import {
  type LoginChallenge,
  noChallenge,
  parseChallenge,
  type StepUpLimit,
  selectScopes,
  unionOfScopes,
} from './challenge.ts'
import { grantOf, type HeldGrants } from './held-grants.ts'
import { type ClientUrls, type IssuerAccess, isSameIssuer } from './issuer-access.ts'
import { requestTokens } from './token-endpoint.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { ProtectedUpstream, UpstreamGrant } from './upstream-grants.ts'

/** A request that a server did not take (401 or 403): why, and with which token. */
interface RefusedRequest {
  readonly wwwAuthenticate: string | undefined
  readonly accessToken: string | undefined
}

interface UpstreamAuthorizerOptions {
  readonly find: (server: string) => ProtectedUpstream | undefined
  readonly held: HeldGrants
  readonly access: IssuerAccess
  readonly requireNewScopes: StepUpLimit
  readonly urls: () => ClientUrls
  readonly now: () => number
  /** The challenge of a server that waits for a login. */
  readonly waitingFor: (server: string) => LoginChallenge | undefined
  readonly onLoginNeeded: (server: string, challenge: LoginChallenge) => void
}

/** What the connections to servers need of the OAuth client. */
export function createUpstreamAuthorizer(options: UpstreamAuthorizerOptions) {
  const { find, held, access } = options

  function waitForLogin({ name }: ProtectedUpstream, challenge: LoginChallenge): 'login-needed' {
    options.onLoginNeeded(name, challenge)
    return 'login-needed'
  }

  function obtain(upstream: ProtectedUpstream, challenge: LoginChallenge) {
    const { now } = options
    return held.obtain(upstream, () =>
      obtainByCredentials(upstream, challenge, { access, now, urls: options.urls() }),
    )
  }

  /** A refresh token goes to its own issuer only, and only while the server names it (SEP-2352). */
  async function renew(
    upstream: ProtectedUpstream,
    grant: UpstreamGrant,
    { resourceMetadata }: LoginChallenge,
  ) {
    if (grant.refreshToken === undefined) return undefined
    const { issuers } = await access.resource(upstream, resourceMetadata)
    if (!issuers.some((named) => isSameIssuer(named, grant.client.issuer))) return undefined
    return held.renew(upstream, grant.accessToken)
  }

  return {
    /** The token for the next request, renewed if need be; undefined to go without. */
    async accessToken(server: string): Promise<string | undefined> {
      const upstream = find(server)
      if (!upstream) return undefined
      const grant = await held.fresh(upstream)
      if (grant || upstream.auth.grant !== 'client_credentials') return grant?.accessToken
      const earlier = await held.reload(upstream)
      // The first refusal says which scopes to ask for.
      if (!earlier) return undefined
      const steppedUp = earlier.requestedScopes
      return (await obtain(upstream, { ...noChallenge, steppedUp }))?.accessToken
    },

    /** Judges a 401. `retry` when another token is there now. @throws UpstreamAuthError */
    async onUnauthorized(
      server: string,
      { wwwAuthenticate, accessToken }: RefusedRequest,
    ): Promise<'retry' | 'login-needed'> {
      const upstream = find(server)
      if (!upstream) return 'login-needed'
      const grant = await held.reload(upstream)
      if (wasReplaced(grant, accessToken)) return 'retry'
      const waitingFor = options.waitingFor(server)?.steppedUp
      const challenge = {
        ...parseChallenge(wwwAuthenticate),
        steppedUp: unionOfScopes(grant?.requestedScopes, waitingFor),
      }
      if (upstream.auth.grant === 'client_credentials') {
        await obtain(upstream, challenge)
        return 'retry'
      }
      if (!grant) return waitForLogin(upstream, challenge)
      if (await renew(upstream, grant, challenge)) return 'retry'
      await held.spend(upstream, grant)
      return waitForLogin(upstream, challenge)
    },

    /** Judges a 403 `insufficient_scope`. @throws UpstreamAuthError scope-refused after two logins */
    async onInsufficientScope(
      server: string,
      { wwwAuthenticate, accessToken }: RefusedRequest,
    ): Promise<'retry' | 'login-needed'> {
      const upstream = find(server)
      const grant = upstream && (await held.reload(upstream))
      if (!upstream || !grant) return 'login-needed'
      if (wasReplaced(grant, accessToken)) return 'retry'
      const parsed = parseChallenge(wwwAuthenticate)
      const scopes = parsed.scopes ?? []
      options.requireNewScopes({ server, scopes, grant })
      const steppedUp = unionOfScopes(grant.requestedScopes, grant.grantedScopes, scopes)
      const challenge = { ...parsed, steppedUp }
      if (upstream.auth.grant !== 'client_credentials') return waitForLogin(upstream, challenge)
      await obtain(upstream, challenge)
      return 'retry'
    },
  }
}

/** Whether the refused token is not the one we hold: another call renewed it meanwhile. */
function wasReplaced(grant: UpstreamGrant | undefined, refused: string | undefined): boolean {
  return grant?.accessToken !== undefined && grant.accessToken !== refused
}

/**
 * Gets a token in the gateway's own name (RFC 6749 section 4.4).
 * @throws UpstreamAuthError client-refused, and what discovery throws
 */
async function obtainByCredentials(
  upstream: ProtectedUpstream,
  challenge: LoginChallenge,
  { access, urls, now }: { access: IssuerAccess; urls: ClientUrls; now: () => number },
): Promise<UpstreamGrant> {
  const { auth } = upstream
  const { resource, ...listed } = await access.resource(upstream, challenge.resourceMetadata)
  const issuer = await access.issuer(upstream, { resource, ...listed })
  const client = await access.client(upstream, issuer, urls)
  const scopes = selectScopes({
    configured: auth.scopes,
    challenged: challenge.scopes,
    listed: listed.scopes,
    steppedUp: challenge.steppedUp,
    issuerKnows: undefined,
    mayRefresh: false,
  })
  const fetch = access.fetchFor(upstream)
  const request = { fetch, issuer, client, privateKey: auth.privateKey, resource }
  const scope = scopes.length > 0 ? { scope: scopes.join(' ') } : {}
  const answer = await requestTokens(request, 'client_credentials', scope)
  if (!answer.ok) throw credentialsRefused(upstream, answer.description ?? answer.error)
  return grantOf(answer, { resource, client, requestedScopes: scopes, now: now() })
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
