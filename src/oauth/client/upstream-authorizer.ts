import { obtainByCredentials } from './client-credentials.ts'
import { type Demand, demandOf, nothingDemanded } from './demand.ts'
import type { GrantKeeper } from './grant-keeper.ts'
import type { Grant } from './grant-store.ts'
import { type ClientUrls, type IssuerAccess, isSameIssuer } from './issuer-access.ts'
import { unionOfScopes } from './scopes.ts'
import type { StepUpLimit } from './step-up-limit.ts'
import type { ProtectedUpstream } from './upstream-client.ts'

/** Why a server did not take a request (its status is 401 or 403), and with which token. */
export interface Refusal {
  readonly wwwAuthenticate: string | undefined
  readonly accessToken: string | undefined
}

/** What the connections to servers need of the OAuth client. */
export interface UpstreamAuthorizer {
  /** The token for the next request, renewed if need be; undefined to go without. */
  accessToken(server: string): Promise<string | undefined>
  /** Judges a 401. `retry` when another token is there now. @throws UpstreamAuthError */
  onUnauthorized(server: string, refusal: Refusal): Promise<'retry' | 'login-needed'>
  /** Judges a 403 `insufficient_scope`. @throws UpstreamAuthError scope-refused after two logins */
  onInsufficientScope(server: string, refusal: Refusal): Promise<'retry' | 'login-needed'>
  /** Where a person logs in; valid for an hour. */
  loginUrl(server: string): string
}

export interface UpstreamAuthorizerOptions {
  readonly find: (server: string) => ProtectedUpstream | undefined
  readonly keeper: GrantKeeper
  readonly access: IssuerAccess
  readonly stepUps: StepUpLimit
  readonly urls: () => ClientUrls
  readonly now: () => number
  /** What a server last demanded, while it waits for a login. */
  readonly demandOn: (server: string) => Demand | undefined
  readonly onLoginNeeded: (server: string, demand: Demand) => void
}

export function createUpstreamAuthorizer(
  options: UpstreamAuthorizerOptions,
): Omit<UpstreamAuthorizer, 'loginUrl'> {
  const { find, keeper, access } = options

  function waitForLogin({ name }: ProtectedUpstream, demand: Demand): 'login-needed' {
    options.onLoginNeeded(name, demand)
    return 'login-needed'
  }

  function obtain(upstream: ProtectedUpstream, demand: Demand): Promise<Grant | undefined> {
    const { now } = options
    return keeper.obtain(upstream, () =>
      obtainByCredentials(upstream, demand, { access, now, urls: options.urls() }),
    )
  }

  /** A refresh token goes to its own issuer only, and only while the server names it (SEP-2352). */
  async function renew(upstream: ProtectedUpstream, grant: Grant, demand: Demand) {
    if (grant.refreshToken === undefined) return undefined
    const { issuers } = await access.resource(upstream, demand.resourceMetadata)
    if (!issuers.some((named) => isSameIssuer(named, grant.client.issuer))) return undefined
    return keeper.renew(upstream, grant.accessToken)
  }

  return {
    async accessToken(server) {
      const upstream = find(server)
      if (!upstream) return undefined
      const grant = await keeper.fresh(upstream)
      if (grant || upstream.auth.grant !== 'client_credentials') return grant?.accessToken
      const earlier = await keeper.reload(upstream)
      // The first refusal says which scopes to ask for.
      if (!earlier) return undefined
      const steppedUp = earlier.requestedScopes
      return (await obtain(upstream, { ...nothingDemanded, steppedUp }))?.accessToken
    },

    async onUnauthorized(server, { wwwAuthenticate, accessToken }) {
      const upstream = find(server)
      if (!upstream) return 'login-needed'
      const grant = await keeper.reload(upstream)
      if (wasReplaced(grant, accessToken)) return 'retry'
      const waitingFor = options.demandOn(server)?.steppedUp
      const demand = demandOf(wwwAuthenticate, unionOfScopes(grant?.requestedScopes, waitingFor))
      if (upstream.auth.grant === 'client_credentials') {
        await obtain(upstream, demand)
        return 'retry'
      }
      if (!grant) return waitForLogin(upstream, demand)
      if (await renew(upstream, grant, demand)) return 'retry'
      // What is left of it keeps its scopes: the next login asks for them again.
      const spent = { ...grant, accessToken: undefined, refreshToken: undefined }
      await keeper.replace(upstream, spent)
      return waitForLogin(upstream, demand)
    },

    async onInsufficientScope(server, { wwwAuthenticate, accessToken }) {
      const upstream = find(server)
      const grant = upstream && (await keeper.reload(upstream))
      if (!upstream || !grant) return 'login-needed'
      if (wasReplaced(grant, accessToken)) return 'retry'
      const demanded = demandOf(wwwAuthenticate, [])
      const scopes = demanded.scopes ?? []
      options.stepUps.require({ server, scopes, grant })
      const steppedUp = unionOfScopes(grant.requestedScopes, grant.grantedScopes, scopes)
      const demand: Demand = { ...demanded, steppedUp }
      if (upstream.auth.grant !== 'client_credentials') return waitForLogin(upstream, demand)
      await obtain(upstream, demand)
      return 'retry'
    },
  }
}

/** Whether the refused token is not the one we hold: another call renewed it meanwhile. */
function wasReplaced(grant: Grant | undefined, refused: string | undefined): boolean {
  return grant?.accessToken !== undefined && grant.accessToken !== refused
}
