import type { MiddlewareHandler } from 'hono'
import type { AccessControl, Principal } from '../../oauth/resource-server/access-control.ts'
import type { Refusal } from '../../oauth/resource-server/refusal.ts'
import type { Exposure, ListenerName } from '../../origin/known-origins.ts'
import type { HttpEnv } from '../http-env.ts'

/** `HttpEnv` with the caller, once the access check has let it in. */
export interface AccessEnv extends HttpEnv {
  Variables: HttpEnv['Variables'] & { principal: Principal }
}

export interface AccessDeps {
  readonly access: AccessControl
  exposureOf(listener: ListenerName): Exposure
  /** Every scope that a JSON-RPC body needs in a profile. */
  scopesOf(profile: string, body: unknown): readonly string[]
}

/** Lets in whoever the profile lets in; goes before the body is read. */
export function requireAccess(deps: AccessDeps): MiddlewareHandler<AccessEnv> {
  return async (c, next) => {
    const result = await deps.access.authorize({
      exposure: deps.exposureOf(c.env.listener),
      origin: c.get('origin'),
      profile: c.req.param('profile') ?? '',
      authorization: c.req.header('authorization'),
    })
    if (!result.ok) return refuse(result)
    c.set('principal', result.principal)
    return next()
  }
}

/** Refuses a call of a tool whose scopes the caller does not have; goes after the body is read. */
export function requireToolScopes(deps: AccessDeps): MiddlewareHandler<AccessEnv> {
  return async (c, next) => {
    const target = { origin: c.get('origin'), profile: c.req.param('profile') ?? '' }
    const scopes = () => deps.scopesOf(target.profile, c.get('body'))
    const result = deps.access.requireScopes(c.get('principal'), scopes, target)
    return result.ok ? next() : refuse(result)
  }
}

function refuse({ status, headers, body }: Refusal): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}
