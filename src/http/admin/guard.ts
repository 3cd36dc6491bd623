import type { Context, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { OAuthClientRole } from '../../oauth/client/oauth-client.ts'
import { isFromThisMachine } from '../../origin/client-address.ts'
import type { Exposure } from '../../origin/exposure.ts'
import type { ListenerName } from '../../origin/known-origins.ts'
import type { FileVerdict } from '../../tls/upstream/judge-files.ts'
import type { UpstreamBundles } from '../../tls/upstream/upstream-bundles.ts'
import type { Traffic } from '../../traffic/traffic.ts'
import { isForeignPage } from '../browser-requests.ts'
import type { HttpEnv } from '../http-env.ts'
import { renderMessagePage } from '../pages/message-page.ts'
import { pageResponse } from '../pages/page.ts'
import { type AdminSession, type AdminSessions, readAdminCookie } from './session.ts'

export interface AdminDeps {
  /** The configuration file as it is named in sentences. */
  readonly configFile: string
  readonly sessions: Pick<AdminSessions, 'redeem' | 'verify'>
  readonly bundles: Pick<UpstreamBundles, 'describe' | 'list' | 'put' | 'remove'>
  readonly logins: Pick<OAuthClientRole, 'status' | 'disconnect'>
  readonly traffic: Pick<Traffic, 'entries' | 'watch'>
  /** The servers as configured now; a program has no address. */
  servers(): readonly {
    readonly name: string
    readonly url: string | undefined
    readonly insecureSkipVerify: boolean
  }[]
  exposureOf(listener: ListenerName): Exposure
  /** A bundle was changed: connections follow at once. */
  onBundleChanged(): void
}

/** `HttpEnv` with the session, once it has been verified. */
export interface AdminEnv extends HttpEnv {
  Variables: HttpEnv['Variables'] & { adminSession: AdminSession }
}

export type AdminContext = Context<AdminEnv>

/** What is answered instead of what was asked: as a page to a browser, as JSON to whoever calls the API. */
export class AdminRefusal extends HTTPException {
  override readonly name = 'AdminRefusal'
  readonly code: string
  /** What to do. */
  readonly hint: string
  /** What was found out about an upload that was refused. */
  readonly files: readonly FileVerdict[] | undefined

  constructor(
    status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 500,
    code: string,
    said: { error: string; hint: string; files?: readonly FileVerdict[] },
  ) {
    super(status, { message: said.error })
    this.code = code
    this.hint = said.hint
    this.files = said.files
  }
}

/** @param server the server it is about, where it is about one */
export function answerRefusal(c: AdminContext, refusal: AdminRefusal, server?: string): Response {
  const { status, message, code, hint, files } = refusal
  if (!c.req.path.startsWith('/api/')) {
    return pageResponse(renderMessagePage({ title: 'Not available', text: message, hint }), status)
  }
  const about = { ...(server !== undefined && { server }), ...(files && { files }) }
  return apiResponse({ error: message, code, hint, ...about }, status)
}

/** Never kept by anything on the way. */
export function apiResponse(body: object, status = 200): Response {
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  return Response.json(body, { status, headers })
}

/**
 * Lets through what comes from this machine and from no foreign page. The listener decides; Host and
 * headers can only make it worse.
 */
export function requireLocalPage({
  exposureOf,
}: Pick<AdminDeps, 'exposureOf'>): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const header = (name: string) => c.req.header(name)
    const origin = c.get('origin')
    const exposure = exposureOf(c.env.listener)
    if (!isFromThisMachine({ exposure, origin, header })) {
      throw new AdminRefusal(403, 'NOT_LOCAL', {
        error: 'The admin page is answered on the machine of the gateway only.',
        hint: 'Run `pnpm sallyport admin` there, and open its link there.',
      })
    }
    if (isForeignPage({ method: c.req.method, header }, (caller) => caller === origin)) {
      throw new AdminRefusal(403, 'FOREIGN_PAGE', {
        error: 'Another page sent this request, so nothing was done.',
        hint: 'Use the admin page itself.',
      })
    }
    return next()
  }
}

/** Lets through whoever has an admin session. */
export function requireAdminSession({
  sessions,
}: Pick<AdminDeps, 'sessions'>): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const cookie = readAdminCookie(c)
    const session = cookie === undefined ? undefined : await sessions.verify(cookie)
    if (!session) {
      throw new AdminRefusal(401, 'NO_SESSION', {
        error: 'There is no admin session, or it is over.',
        hint: 'Run `pnpm sallyport admin` and open the link it prints.',
      })
    }
    c.set('adminSession', session)
    return next()
  }
}
