import type { AccessControl } from '../../oauth/resource-server/access-control.ts'
import type { Refusal } from '../../oauth/resource-server/protected-resource.ts'
import type { Exposure } from '../../origin/exposure.ts'
import type { ListenerName } from '../../origin/known-origins.ts'
import type { HttpContext } from '../http-env.ts'
import type { Check } from './checks.ts'
import type { FailedCredentials } from './failed-credentials.ts'

export interface AccessDeps {
  readonly access: AccessControl
  exposureOf(listener: ListenerName): Exposure
  /** Whom limits count a request as: its address, or the block that it is in. */
  sourceOf(c: Pick<HttpContext, 'env' | 'req'>): string
  readonly failures: FailedCredentials
  /** Every scope that calls of those tools need in a profile. */
  scopesOf(profile: string, tools: readonly string[]): Promise<readonly string[]>
  /** Told of every request that is not let in; the reason is what it is answered. */
  onRefused(refused: { profile: string; status: number; reason: string }): void
}

/** Lets in whoever the profile lets in; goes before the body is read. */
export function requireAccess(deps: AccessDeps): Check {
  return async (c) => {
    const source = deps.sourceOf(c)
    const locked = await deps.failures.lockedFor(source)
    if (locked !== undefined) return tooManyFailures(locked)
    const profile = c.req.param('profile') ?? ''
    const result = await deps.access.authorize({
      exposure: deps.exposureOf(c.env.listener),
      origin: c.get('origin'),
      profile,
      authorization: c.req.header('authorization'),
    })
    if (!result.ok) {
      const { error, error_description: reason } = result.body
      const isFailure = error === 'invalid_token'
      const wait = isFailure && (await deps.failures.count(source, { profile, reason }))
      deps.onRefused({ profile, status: result.status, reason })
      return wait ? tooManyFailures(wait) : refuse(result)
    }
    c.set('principal', result.principal)
    return undefined
  }
}

/** Refuses a call of a tool whose scopes the caller does not have; goes after the messages are read. */
export function requireToolScopes(deps: AccessDeps): Check {
  return async (c) => {
    const principal = c.get('principal')
    // An API key may do everything in its profile, and so may anybody in an open one.
    if (principal.kind !== 'token') return undefined
    const tools = (c.get('messages') ?? []).flatMap(({ asked }) =>
      asked.kind === 'tool' ? asked.name : [],
    )
    if (tools.length === 0) return undefined
    const target = { origin: c.get('origin'), profile: c.req.param('profile') ?? '' }
    const needed = await deps.scopesOf(target.profile, tools)
    const result = deps.access.requireScopes(principal, needed, target)
    if (result.ok) return undefined
    const { error_description: reason } = result.body
    deps.onRefused({ profile: target.profile, status: result.status, reason })
    return refuse(result)
  }
}

function tooManyFailures(seconds: number): Response {
  return Response.json(
    {
      error: 'temporarily_unavailable',
      error_description: 'too many wrong credentials, try later',
    },
    { status: 429, headers: { 'cache-control': 'no-store', 'retry-after': String(seconds) } },
  )
}

function refuse({ status, headers, body }: Refusal): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}
