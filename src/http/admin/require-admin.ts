import type { MiddlewareHandler } from 'hono'
import type { Exposure, ListenerName } from '../../origin/known-origins.ts'
import { renderMessagePage } from '../pages/message-page.ts'
import { pageResponse } from '../pages/page.ts'
import { readAdminCookie } from './admin-cookie.ts'
import type { AdminContext, AdminEnv } from './admin-env.ts'
import { type AdminError, adminErrorResponse } from './admin-error.ts'
import type { AdminSessions } from './admin-sessions.ts'
import { judgeAdminRequest } from './judge-request.ts'

/** Lets through what comes from this machine and from no foreign page. */
export function requireLocalPage(options: {
  exposureOf(listener: ListenerName): Exposure
}): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const verdict = judgeAdminRequest({
      method: c.req.method,
      exposure: options.exposureOf(c.env.listener),
      origin: c.get('origin'),
      header: (name) => c.req.header(name),
    })
    return verdict.ok ? next() : refuse(c, refusals[verdict.code])
  }
}

/** Lets through whoever has an admin session. */
export function requireAdminSession(
  sessions: Pick<AdminSessions, 'verify'>,
): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const cookie = readAdminCookie(c)
    const session = cookie === undefined ? undefined : await sessions.verify(cookie)
    if (!session) return refuse(c, refusals.NO_SESSION)
    c.set('adminSession', session)
    return next()
  }
}

/** The refusal as JSON for the API, and as a page for a browser. */
export function refuse(c: AdminContext, refusal: AdminError): Response {
  if (c.req.path.startsWith('/api/')) return adminErrorResponse(refusal)
  const { status, error: text, hint } = refusal
  return pageResponse(renderMessagePage({ title: 'Not available', text, hint }), status)
}

const refusals = {
  NOT_LOCAL: {
    status: 403,
    code: 'NOT_LOCAL',
    error: 'The admin page is answered on the machine of the gateway only.',
    hint: 'Run `pnpm sallyport admin` there, and open its link there.',
  },
  FOREIGN_PAGE: {
    status: 403,
    code: 'FOREIGN_PAGE',
    error: 'Another page sent this request, so nothing was done.',
    hint: 'Use the admin page itself.',
  },
  NO_SESSION: {
    status: 401,
    code: 'NO_SESSION',
    error: 'There is no admin session, or it is over.',
    hint: 'Run `pnpm sallyport admin` and open the link it prints.',
  },
} as const satisfies Record<string, AdminError>
