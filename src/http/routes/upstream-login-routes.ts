import { Hono } from 'hono'
import type { PageAnswer } from '../../oauth/client/login-page.ts'
import type { OAuthClientRole } from '../../oauth/client/oauth-client.ts'
import { clientMetadataDocument } from '../../oauth/client/registration.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'
import { renderMessagePage } from '../pages/message-page.ts'
import { pageHeaders } from '../pages/page.ts'
import { signInAnswerPath } from './consent-routes.ts'

export interface UpstreamLoginRouteDeps {
  readonly upstreamLogins: Pick<OAuthClientRole, 'beginLogin' | 'handleCallback'>
}

/** The browser's way to an upstream's authorization server and back to us. */
export function upstreamLoginRoutes({ upstreamLogins }: UpstreamLoginRouteDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>({ strict: false })

  app.get('/api/oauth/login/:server', async (c) => {
    const server = c.req.param('server')
    const start = await upstreamLogins.beginLogin({ server, ticket: c.req.query('ticket') ?? '' })
    if (!('location' in start)) return showPage(c, start)
    c.header('set-cookie', start.setCookie)
    c.header('cache-control', 'no-store')
    c.header('referrer-policy', 'no-referrer')
    return c.redirect(start.location, 302)
  })

  app.get('/api/oauth/callback', async (c) => {
    // The owner's sign-in at the consent page comes back to the same redirect URI.
    const signIn = signInAnswerPath(new URL(c.req.url))
    if (signIn !== undefined) return c.redirect(signIn)
    // Put together from the known origin: what a proxy in front says of itself is not believed.
    const { search } = new URL(c.req.url)
    const url = publicUrls(c.get('origin')).redirectUri + search
    return showPage(c, await upstreamLogins.handleCallback({ url, cookie: c.req.header('cookie') }))
  })

  app.get('/api/oauth/client-metadata.json', (c) => {
    const { clientMetadata, redirectUri } = publicUrls(c.get('origin'))
    return c.json(clientMetadataDocument(clientMetadata, redirectUri))
  })
  return app
}

function showPage(c: HttpContext, { status, setCookie, page }: PageAnswer): Response {
  for (const [name, value] of Object.entries(pageHeaders)) c.header(name, value)
  // The address holds the code and the state.
  c.header('referrer-policy', 'no-referrer')
  if (setCookie !== undefined) c.header('set-cookie', setCookie)
  return c.html(renderMessagePage({ ...page, text: page.message }), status as 200)
}
