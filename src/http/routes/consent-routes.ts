import { Hono, type MiddlewareHandler } from 'hono'
import type { AuthorizationServers } from '../../oauth/authorization-server/authorization-servers.ts'
import type { ConsentView } from '../../oauth/authorization-server/consent.ts'
import type { SignIn } from '../../oauth/authorization-server/sign-in.ts'
import { oauthPaths } from '../../oauth/oauth-urls.ts'
import type { Sender } from '../../origin/client-address.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'
import { type ProfileContent, renderConsentPage } from '../pages/consent-page.ts'
import { renderContinuePage, renderMessagePage } from '../pages/message-page.ts'
import { pageResponse } from '../pages/page.ts'
import { exchangeOf } from './oauth-requests.ts'

export interface ConsentRouteDeps {
  readonly servers: Pick<AuthorizationServers, 'consent'>
  content(profile: string): ProfileContent
  readonly signIn: SignIn
  senderOf(c: HttpContext): Sender
}

const path = oauthPaths.consent(':interaction').replace('%3A', ':')

/** The page where the owner allows a client, or does not. */
export function consentRoutes(
  deps: ConsentRouteDeps,
  guards: readonly [MiddlewareHandler<HttpEnv>, MiddlewareHandler<HttpEnv>],
): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>({ strict: false })
  const consentOf = (c: HttpContext) => deps.servers.consent(c.get('origin'))

  app.get(path, ...guards, async (c) => {
    const view = await consentOf(c).view(exchangeOf(c, deps))
    return show(view, { ...deps, typing: c.req.query('by') === 'code' })
  })

  app.post(path, ...guards, async (c) => {
    // The page's own form sends its origin; another page of this machine may share the cookie jar.
    if (c.req.header('origin') !== c.get('origin'))
      return show({ kind: 'gone' }, { ...deps, typing: true })
    const form = await c.req.parseBody()
    const code = typeof form.code === 'string' ? form.code : ''
    const answer = { allow: form.decision === 'allow', code }
    const view = await consentOf(c).answer(exchangeOf(c, deps), answer)
    return show(view, { ...deps, typing: true })
  })
  return app
}

function show(
  view: ConsentView,
  { content, signIn, typing }: ConsentRouteDeps & { typing: boolean },
): Response {
  switch (view.kind) {
    case 'ask':
      return pageResponse(
        renderConsentPage({
          ...view,
          content: content(view.request.profile),
          signIn: signIn.providers,
          typing,
        }),
      )
    case 'continue': {
      const { allowed, request, url } = view
      const { clientName, redirectUri } = request
      return pageResponse(renderContinuePage({ allowed, clientName, redirectUri, url }))
    }
    case 'gone':
      return pageResponse(
        renderMessagePage({
          title: 'There is nothing to decide here',
          text: 'This request has expired, was answered already, or was started in another browser.',
          hint: 'Start again from the application that sent you here.',
        }),
        400,
      )
  }
}
