import { Hono } from 'hono'
import { UserError } from '../../errors.ts'
import type { AdminDeps } from './admin-deps.ts'
import type { AdminEnv } from './admin-env.ts'
import { adminLoginRoutes, adminPageRoutes } from './admin-page-routes.ts'
import { createBundleActions } from './bundle-actions.ts'
import { caApiRoutes } from './ca-api-routes.ts'
import { refuse, requireAdminSession, requireLocalPage } from './require-admin.ts'

/** Everything under `/admin` and `/api/admin`: this machine first, then its own pages, then the session. */
export function adminRoutes(deps: AdminDeps): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  const actions = createBundleActions(deps)
  const isLocal = requireLocalPage(deps)
  const hasSession = requireAdminSession(deps.sessions)
  app.use('/admin/*', isLocal)
  app.use('/api/admin/*', isLocal)
  app.route('/', adminLoginRoutes(deps))
  app.use('/admin/*', hasSession)
  app.use('/api/admin/*', hasSession)
  app.route('/', caApiRoutes(actions))
  app.route('/', adminPageRoutes(deps, actions))
  app.onError((error, c) => {
    if (!(error instanceof UserError)) throw error
    const { code, message, hint = 'Look at what the terminal says.' } = error
    return refuse(c, { status: 500, code, error: message, hint })
  })
  for (const path of ['/admin/*', '/api/admin/*']) {
    app.all(path, (c) =>
      refuse(c, {
        status: 404,
        code: 'NOT_FOUND',
        error: `Nothing is served at ${c.req.path}.`,
        hint: 'The admin page is at /admin.',
      }),
    )
  }
  return app
}
