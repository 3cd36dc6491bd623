import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { AuthorizationServers } from '../../oauth/authorization-server/authorization-servers.ts'
import { maxRegistrationBytes } from '../../oauth/authorization-server/registration.ts'
import { oauthPaths } from '../../oauth/oauth-urls.ts'
import type { AccessControl } from '../../oauth/resource-server/access-control.ts'
import {
  createResourceMetadata,
  type ProtectedProfile,
} from '../../oauth/resource-server/protected-resource.ts'
import type { Exposure } from '../../origin/exposure.ts'
import type { ListenerName } from '../../origin/known-origins.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'
import { type OAuthLimits, oauthLimit } from '../middleware/oauth-limit.ts'
import { type ConsentRouteDeps, consentRoutes } from './consent-routes.ts'
import { forwardForm, registerClient, requestOf } from './oauth-requests.ts'

export interface OAuthRouteDeps extends ConsentRouteDeps {
  readonly servers: AuthorizationServers
  readonly access: Pick<AccessControl, 'authOf'>
  readonly limits: OAuthLimits
  exposureOf(listener: ListenerName): Exposure
  /** Every profile, the one that stands for the origin first. */
  profiles(): readonly ProtectedProfile[]
  /** Issuers whose tokens a profile of that origin takes; what its metadata lists. */
  authorizationServers(origin: string): readonly string[]
  /** Further schemes of redirect URIs, from the configuration. */
  readonly redirectSchemes: readonly string[]
}

/** The metadata documents, the authorization server's endpoints and the consent page. */
export function oauthRoutes(deps: OAuthRouteDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>({ strict: false })
  const limit = oauthLimit(deps.limits, deps.senderOf)

  function metadata(c: HttpContext, name: string | undefined) {
    const exposure = deps.exposureOf(c.env.listener)
    // Metadata of a profile that asks for no token would make clients log in for nothing.
    const profile = deps
      .profiles()
      .find((one) => (name ?? one.name) === one.name && takesTokens(deps, one.name, exposure))
    if (!profile) return c.json({ error: 'There is no such protected resource.' }, 404)
    const origin = c.get('origin')
    const authorizationServers = deps.authorizationServers(origin)
    return c.json(createResourceMetadata(profile, { origin, authorizationServers }))
  }

  app.get(oauthPaths.rootResourceMetadata, (c) => metadata(c, undefined))
  app.get(`${oauthPaths.rootResourceMetadata}/api/mcp/:profile`, (c) =>
    metadata(c, c.req.param('profile')),
  )

  const forward = async (c: HttpContext) => {
    allowPage(c)
    await deps.servers.handle(c.get('origin'), requestOf(c, deps))
    return RESPONSE_ALREADY_SENT
  }
  const maxBody = bodyLimit({ maxSize: maxRegistrationBytes })
  app.get(oauthPaths.authorizationServerMetadata, forward)
  app.get(oauthPaths.openidConfiguration, forward)
  app.get(oauthPaths.jwks, forward)
  app.get(oauthPaths.authorize, limit('authorize'), forward)
  app.get(`${oauthPaths.authorize}/:interaction`, forward)
  for (const path of [oauthPaths.token, oauthPaths.revoke, oauthPaths.introspect]) {
    app.post(path, limit('token'), maxBody, async (c) => {
      allowPage(c)
      return forwardForm(c, deps)
    })
  }
  app.post(oauthPaths.register, limit('register'), maxBody, async (c) => {
    allowPage(c)
    return registerClient(c, deps)
  })
  app.route('/', consentRoutes(deps, { limit: limit('consent'), maxBody }))
  return app
}

function takesTokens({ access }: OAuthRouteDeps, profile: string, exposure: Exposure): boolean {
  return access.authOf(profile, exposure) === 'oauth'
}

/** CORS for pages the origin guard let in; oidc-provider answers past Hono's own middleware. */
function allowPage(c: HttpContext): void {
  const page = c.req.header('origin')
  if (page === undefined) return
  c.env.outgoing.setHeader('access-control-allow-origin', page)
  c.env.outgoing.setHeader('access-control-expose-headers', 'WWW-Authenticate')
  c.env.outgoing.setHeader('vary', 'Origin')
}
