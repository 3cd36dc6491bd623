import {
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  type ResourceServer,
} from 'oidc-provider'
import { oauthPaths } from '../oauth-urls.ts'
import { baseScope } from '../policy.ts'
import {
  defaultResource,
  type GrantableProfile,
  oidcScopes,
  profileOfResource,
} from './grantable-profiles.ts'
import { grantSeconds } from './grants.ts'
import type { IssuerStorage } from './issuer-storage.ts'
import { type KeyRing, signingAlgorithm } from './signing-keys.ts'

export interface ProviderSettings {
  readonly issuer: string
  readonly storage: IssuerStorage
  readonly keys: KeyRing
  /** Every profile that takes access tokens, the one to use when a client names none first. */
  readonly profiles: () => readonly GrantableProfile[]
  /** Fetches client metadata documents and nothing in a private network. */
  readonly fetch: typeof globalThis.fetch
  /** Whether clients may identify themselves by a metadata document. */
  readonly clientMetadataDocuments: boolean
  /** Whether one more metadata document may be fetched now. */
  readonly mayFetch: () => boolean
  /** Whether somebody has allowed the client anything that still stands. */
  readonly isKnownClient: (clientId: string) => Promise<boolean>
  readonly renderError: (problem: { error: string; description: string }) => string
  readonly errorHeaders: Readonly<Record<string, string>>
}

const accessTokenSeconds = 3_600
const day = 24 * 3_600
/** How long a request for access waits for its answer. */
const waitingSeconds = 10 * 60

/** What oidc-provider is told. Everything that MCP clients do not use is off. */
export function createProviderConfiguration(settings: ProviderSettings): Configuration {
  const { issuer, keys, storage } = settings
  return {
    adapter: (model) => storage.adapter(model),
    jwks: { keys: keys.jwks.keys.map((key) => ({ ...key, kty: String(key.kty) })) },
    cookies: {
      keys: [...keys.cookieKeys],
      names: cookieNames(issuer),
      long: { signed: true, httpOnly: true, sameSite: 'lax' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    routes: {
      authorization: oauthPaths.authorize,
      token: oauthPaths.token,
      registration: oauthPaths.register,
      revocation: oauthPaths.revoke,
      introspection: oauthPaths.introspect,
      jwks: oauthPaths.jwks,
    },
    scopes: [...oidcScopes],
    claims: { openid: ['sub'] },
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    enabledJWA: { idTokenSigningAlgValues: [signingAlgorithm] },
    clientDefaults: {
      // Apps on this machine are the rule; a native client's loopback port may vary (RFC 8252 7.3).
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: signingAlgorithm,
    },
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { required: () => true },
    // The origin guard has refused pages of foreign origins before this is asked.
    clientBasedCORS: () => true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // RFC 9700 4.14.2; what a lost answer needs is in issuer-storage.ts.
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      IdToken: accessTokenSeconds,
      RefreshToken: 30 * day,
      Interaction: waitingSeconds,
      // Nothing lasts before the owner has acted.
      Session: (_ctx, { accountId }) => (accountId === undefined ? waitingSeconds : 14 * day),
      Grant: grantSeconds,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      // Anybody can register, so a client ends and inspects its own tokens only.
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => isOwn(client, token),
      },
      introspection: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => isOwn(client, token),
      },
      clientIdMetadataDocument: {
        enabled: settings.clientMetadataDocuments,
        ack: 'draft-02',
        allowFetch: async () => settings.mayFetch(),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) =>
          oneOf?.[0] ?? defaultResource({ issuer, profiles: settings.profiles() }) ?? [],
        getResourceServerInfo: async (ctx, resource) =>
          describeResource(ctx, resource, { issuer, profiles: settings.profiles() }),
        useGrantedResource: async () => true,
      },
    },
    formats: {
      customizers: {
        jwt(_ctx, token, parts) {
          // The resource server looks the grant up, so that a revoked one ends its tokens at once.
          if ('grantId' in token) parts.payload.grant_id = token.grantId
        },
      },
    },
    fetch: (url, options) => settings.fetch(url, options),
    findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: {
      policy: createConsentPolicy(),
      url: (_ctx, { uid }) => oauthPaths.consent(uid),
    },
    async loadExistingGrant(ctx) {
      // Only what this very request was given: a grant is never taken up silently.
      const grantId = ctx.oidc.result?.consent?.grantId
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId)
    },
    renderError(ctx, { error, error_description }) {
      ctx.type = 'html'
      ctx.set({ ...settings.errorHeaders })
      ctx.body = settings.renderError({ error, description: error_description ?? '' })
    },
  }
}

/**
 * Every authorization is shown to the owner, also one that was allowed before: a native client's
 * identity cannot be proven (RFC 8252 section 8.6), and metadata documents make client ids public.
 */
function createConsentPolicy() {
  const policy = interactionPolicy.base()
  policy
    .get('consent')
    ?.checks.add(
      new interactionPolicy.Check(
        'owner_confirms',
        'the owner confirms every authorization',
        'consent_required',
        (ctx) => ctx.oidc.result?.consent === undefined,
      ),
    )
  return policy
}

/**
 * RFC 8707 section 2: the resource decides profile and audience. One at a time, so that what the
 * owner is shown is all there is.
 */
function describeResource(
  ctx: KoaContextWithOIDC,
  resource: string,
  issuer: Parameters<typeof profileOfResource>[1],
): ResourceServer {
  const profile = profileOfResource(resource, issuer)
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

/**
 * Browsers keep one jar for every port of a host, so each issuer has names of its own. A prefix keeps
 * pages that are not ours from setting them, also those of neighbours under one tunnel's domain
 * (RFC 6265bis 4.1.3); `__Host-` is for cookies of the whole host alone.
 */
function cookieNames(issuer: string) {
  const { port, protocol } = new URL(issuer)
  const mark = `sallyport_${protocol.slice(0, -1)}${port}`
  const [host, secure] = protocol === 'https:' ? ['__Host-', '__Secure-'] : ['', '']
  return {
    session: `${host}${mark}_session`,
    interaction: `${secure}${mark}_interaction`,
    resume: `${secure}${mark}_resume`,
  }
}

function isOwn(client: { clientId: string }, token: { clientId?: string | undefined }): boolean {
  return token.clientId === client.clientId
}
