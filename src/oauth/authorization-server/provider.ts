import { timingSafeEqual } from 'node:crypto'
import { type errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { oauthPaths } from '../oauth-urls.ts'
import { grantableScope, plainResource } from './grantable-profiles.ts'
import { hashOf } from './issuer-storage.ts'
import { createProviderConfiguration, type ProviderSettings } from './provider-configuration.ts'

/** The authorization server of one origin. Everything it remembers is in the store. */
export function createProvider(settings: ProviderSettings): Provider {
  const provider = new Provider(settings.issuer, createProviderConfiguration(settings))
  bindToOrigin(provider, settings.issuer)
  compareHashedSecrets(provider)
  tidyAuthorizationRequests(provider, settings)
  keepErrorsOfStrangers(provider, settings)
  correctMetadata(provider, settings.profiles)
  return provider
}

/**
 * Scheme and host of every URL it makes are those of the origin, whatever Host, X-Forwarded-* or an
 * absolute request target says. Koa derives all else (cookies' `secure`, redirects) from these.
 */
function bindToOrigin(provider: Provider, origin: string): void {
  const { host, protocol } = new URL(origin)
  Object.defineProperties(provider.request, {
    protocol: { get: () => protocol.slice(0, -1) },
    host: { get: () => host },
    href: {
      get(this: { url: string }) {
        return `${origin}${this.url.replace(/^https?:\/\/[^/?#]*/i, '')}`
      },
    },
  })
}

/** The store has the hash of a client's secret, which is as random as a token. */
function compareHashedSecrets(provider: Provider): void {
  provider.Client.prototype.compareClientSecret = async function (actual: string) {
    const [expected, given] = [Buffer.from(this.clientSecret ?? ''), Buffer.from(hashOf(actual))]
    return expected.length === given.length && timingSafeEqual(expected, given)
  }
}

/** Takes what clients are known to send for what they mean, before it is judged. */
function tidyAuthorizationRequests(provider: Provider, settings: ProviderSettings): void {
  const { issuer } = settings
  provider.use((ctx, next) => {
    const { client_id, scope, resource, response_mode } = ctx.query
    // By what is asked and not by the path, of which there may be several forms.
    if (client_id === undefined) return next()
    const profiles = { issuer, profiles: settings.profiles() }
    const plain = typeof resource === 'string' ? plainResource(resource, profiles) : resource
    const target = Array.isArray(plain) ? plain[0] : plain
    ctx.query = {
      ...ctx.query,
      ...(plain !== undefined && { resource: plain }),
      ...(!Array.isArray(scope) && { scope: grantableScope(scope, target, profiles) }),
      // The other modes send a page that is not ours.
      ...(response_mode !== undefined &&
        response_mode !== 'query' && { response_mode: 'unsupported' }),
    }
    return next()
  })
}

/**
 * Anybody can register a client, or name a document, and so choose where its errors would lead. Until
 * somebody has allowed it they are shown and not redirected, so that we are nobody's open redirector.
 */
function keepErrorsOfStrangers(provider: Provider, { isKnownClient }: ProviderSettings): void {
  provider.use(async (ctx, next) => {
    const { client_id } = ctx.query
    if (typeof client_id === 'string') {
      ctx.state.isKnownClient = await isKnownClient(client_id)
    }
    return next()
  })
  provider.on('authorization.error', (ctx: KoaContextWithOIDC, error: errors.OIDCProviderError) => {
    // After the consent page the owner has acted, and the client hears what was decided.
    const mayLeave = ctx.oidc.route === 'resume' || ctx.state.isKnownClient === true
    if (mayLeave) return
    error.allow_redirect = false
    ctx.status = 400
  })
}

/** RFC 8414 section 2: oidc-provider lists only the scopes that belong to no resource. */
function correctMetadata(provider: Provider, profiles: ProviderSettings['profiles']): void {
  const documents: readonly string[] = [
    oauthPaths.authorizationServerMetadata,
    oauthPaths.openidConfiguration,
  ]
  provider.use(async (ctx, next) => {
    await next()
    if (!documents.includes(ctx.path) || ctx.status !== 200) return
    const own = profiles().flatMap(({ scopes }) => scopes)
    ctx.body.scopes_supported = [...new Set([...own, ...ctx.body.scopes_supported])]
    ctx.body.response_modes_supported = ['query']
  })
}
