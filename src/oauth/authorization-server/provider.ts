import { Provider } from 'oidc-provider'
import { oauthPaths } from '../oauth-urls.ts'
import { baseScope } from '../policy.ts'
import { createProviderConfiguration, type ProviderSettings } from './provider-configuration.ts'

/** The authorization server of one origin. Everything it remembers is in the store. */
export function createProvider(settings: ProviderSettings): Provider {
  const provider = new Provider(settings.issuer, createProviderConfiguration(settings))
  bindToOrigin(provider, settings.issuer)
  addDefaultScope(provider)
  listScopes(provider, settings.profiles)
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

/** RFC 6749 section 3.3: a request that names no scope gets a default one. */
function addDefaultScope(provider: Provider): void {
  provider.use((ctx, next) => {
    if (ctx.path === oauthPaths.authorize && ctx.method === 'GET' && !ctx.query.scope) {
      ctx.query = { ...ctx.query, scope: baseScope }
    }
    return next()
  })
}

/** RFC 8414 section 2; oidc-provider lists only the scopes that belong to no resource. */
function listScopes(provider: Provider, profiles: ProviderSettings['profiles']): void {
  const documents: readonly string[] = [
    oauthPaths.authorizationServerMetadata,
    oauthPaths.openidConfiguration,
  ]
  provider.use(async (ctx, next) => {
    await next()
    if (!documents.includes(ctx.path) || ctx.status !== 200) return
    const own = profiles().flatMap(({ scopes }) => scopes)
    ctx.body.scopes_supported = [...new Set([...own, ...ctx.body.scopes_supported])]
  })
}
