import { Hono } from 'hono'
import { type AdminPageServer, type RefusedUpload, renderAdminPage } from '../pages/admin-page.ts'
import { renderMessagePage } from '../pages/message-page.ts'
import { pageResponse } from '../pages/page.ts'
import { type BundleActions, limitUpload, serverIn } from './bundle.ts'
import { type AdminContext, type AdminDeps, type AdminEnv, AdminRefusal } from './guard.ts'
import { disconnect } from './server-login.ts'
import { setAdminCookie } from './session.ts'

/** The link from the terminal; whoever follows it gets a session. Nothing here asks for one. */
export function adminLoginRoutes({ sessions }: Pick<AdminDeps, 'sessions'>): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  app.on(['GET', 'HEAD'], '/admin/login/:secret', async (c) => {
    // A preview or a prefetch must not use the link up.
    const isVisit = c.req.method === 'GET' && c.req.header('sec-purpose') === undefined
    const cookie = isVisit ? await sessions.redeem(c.req.param('secret')) : undefined
    if (cookie === undefined) return linkIsOver()
    setAdminCookie(c, cookie)
    c.header('cache-control', 'no-store')
    // The address holds the secret.
    c.header('referrer-policy', 'no-referrer')
    return c.redirect('/admin', 303)
  })
  return app
}

/** The page itself and its forms; the session has been checked. */
export function adminPageRoutes(deps: AdminDeps, actions: BundleActions): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })

  async function showPage(refused?: RefusedUpload): Promise<Response> {
    const servers = await pageServers(deps)
    const page = renderAdminPage({ servers, configFile: deps.configFile, refused })
    return pageResponse(page, refused?.refusal.status)
  }
  const backTo = (c: AdminContext) =>
    c.redirect(`/admin#server-${encodeURIComponent(serverIn(c))}`, 303)

  app.get('/admin', () => showPage())
  app.post('/admin/servers/:name/ca', limitUpload(), async (c) => {
    await actions.put(c)
    return backTo(c)
  })
  app.post('/admin/servers/:name/ca/remove', async (c) => {
    await actions.remove(c)
    return backTo(c)
  })
  app.post('/admin/servers/:name/disconnect', async (c) => {
    await disconnect(c, deps.logins)
    return backTo(c)
  })
  app.onError((error, c) => {
    if (!(error instanceof AdminRefusal)) throw error
    return showPage({ server: serverIn(c), refusal: error })
  })
  return app
}

/** Servers over HTTPS, those that are logged in to, and whatever else has a bundle. */
async function pageServers(deps: AdminDeps): Promise<AdminPageServer[]> {
  const bundles = new Map((await deps.bundles.list()).map((one) => [one.server, one]))
  const servers = deps.servers().map(async (server) => {
    const login = await deps.logins.status(server.name)
    return { ...server, login: login.state === 'connected' ? login : undefined }
  })
  const configured = (await Promise.all(servers)).filter(
    ({ name, url, login }) => url?.startsWith('https:') || login || bundles.has(name),
  )
  const known = new Set(configured.map(({ name }) => name))
  const orphans = [...bundles.keys()].filter((name) => !known.has(name))
  return [
    ...configured.map((server) => ({ ...server, bundle: bundles.get(server.name) })),
    ...orphans.map((name) => ({
      name,
      url: undefined,
      insecureSkipVerify: false,
      login: undefined,
      bundle: bundles.get(name),
    })),
  ]
}

function linkIsOver(): Response {
  const page = renderMessagePage({
    title: 'This link is over',
    text: 'It was used already, is older than ten minutes, or a newer one was printed.',
    hint: 'Run `pnpm sallyport admin` for another one.',
  })
  const answered = pageResponse(page, 403)
  answered.headers.set('referrer-policy', 'no-referrer')
  return answered
}
