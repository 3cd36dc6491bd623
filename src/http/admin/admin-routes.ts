import { Hono } from 'hono'
import { UserError } from '../../errors.ts'
import { trafficRoutes } from '../console/traffic-routes.ts'
import { bundleApiRoutes, createBundleActions } from './bundle.ts'
import {
  type AdminDeps,
  type AdminEnv,
  AdminRefusal,
  answerRefusal,
  requireAdminSession,
  requireLocalPage,
} from './guard.ts'
import { adminLoginRoutes, adminPageRoutes } from './page.ts'
import { serverLoginRoutes } from './server-login.ts'

const paths = ['/admin/*', '/api/admin/*', '/api/console/*']

/** What is the owner's alone: this machine first, then its own pages, then the session. */
export function adminRoutes(deps: AdminDeps): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  const actions = createBundleActions(deps)
  const isLocal = requireLocalPage(deps)
  const hasSession = requireAdminSession(deps)
  for (const path of paths) app.use(path, isLocal)
  app.route('/', adminLoginRoutes(deps))
  for (const path of paths) app.use(path, hasSession)
  app.route('/', bundleApiRoutes(actions))
  app.route('/', serverLoginRoutes(deps))
  app.route('/', trafficRoutes(deps.traffic))
  app.route('/', adminPageRoutes(deps, actions))
  app.onError((error, c) => {
    if (error instanceof AdminRefusal) return answerRefusal(c, error)
    if (!(error instanceof UserError)) throw error
    const { code, message, hint = 'Look at what the terminal says.' } = error
    return answerRefusal(c, new AdminRefusal(500, code, { error: message, hint }))
  })
  for (const path of paths) {
    app.all(path, (c) => {
      throw new AdminRefusal(404, 'NOT_FOUND', {
        error: `Nothing is served at ${c.req.path}.`,
        hint: 'The admin page is at /admin.',
      })
    })
  }
  return app
}
