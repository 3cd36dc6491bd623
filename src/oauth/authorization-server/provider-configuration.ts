import type { Configuration } from 'oidc-provider'
import { oauthPaths } from '../oauth-urls.ts'
import { createConsentPolicy } from './consent-policy.ts'
import { grantSeconds } from './grants.ts'
import type { IssuerStorage } from './issuer-storage.ts'
import {
  accessTokenSeconds,
  defaultResource,
  describeResource,
  type GrantableProfile,
} from './resource-servers.ts'
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
  readonly mayFetch: () => Promise<boolean>
  readonly renderError: (problem: { error: string; description: string }) => string
  readonly errorHeaders: Readonly<Record<string, string>>
}

const day = 24 * 3_600

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
    scopes: ['openid', 'offline_access'],
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
    // RFC 9700 4.14.2; what a lost answer needs is in refresh-grace.ts.
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      IdToken: accessTokenSeconds,
      RefreshToken: 30 * day,
      Interaction: 10 * 60,
      Session: 14 * day,
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
        allowFetch: settings.mayFetch,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) =>
          oneOf?.[0] ?? defaultResource(issuer, settings.profiles()) ?? [],
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

/** Browsers keep one jar for every port of a host, so each issuer has names of its own. */
function cookieNames(issuer: string) {
  const { port, protocol } = new URL(issuer)
  const mark = `sallyport_${protocol.slice(0, -1)}${port}`
  return {
    session: `${mark}_session`,
    interaction: `${mark}_interaction`,
    resume: `${mark}_resume`,
  }
}

function isOwn(client: { clientId: string }, token: { clientId?: string | undefined }): boolean {
  return token.clientId === client.clientId
}
