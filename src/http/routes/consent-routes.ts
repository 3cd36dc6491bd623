import { Hono, type MiddlewareHandler } from 'hono'
import type { Approvals } from '../../oauth/authorization-server/approvals.ts'
import type { AuthorizationServers } from '../../oauth/authorization-server/authorization-servers.ts'
import type { ConsentView } from '../../oauth/authorization-server/consent.ts'
import { interactionOfState, type SignIn } from '../../oauth/authorization-server/sign-in.ts'
import { oauthPaths } from '../../oauth/oauth-urls.ts'
import type { Sender } from '../../origin/client-address.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'
import { type ProfileContent, renderConsentPage } from '../pages/consent-page.ts'
import { renderContinuePage, renderMessagePage } from '../pages/message-page.ts'
import { pageResponse } from '../pages/page.ts'
import { exchangeOf } from './oauth-requests.ts'

export interface ConsentRouteDeps {
  readonly servers: Pick<AuthorizationServers, 'consent'>
  readonly approvals: Pick<Approvals, 'vouch'>
  readonly signIn: SignIn
  content(profile: string): ProfileContent
  senderOf(c: HttpContext): Sender
}

const path = '/oauth/consent/:interaction'

/** The page where the owner allows a client, or does not, and the way to sign in elsewhere first. */
export function consentRoutes(
  deps: ConsentRouteDeps,
  guards: { limit: MiddlewareHandler<HttpEnv>; maxBody: MiddlewareHandler<HttpEnv> },
): Hono<HttpEnv> {
  const { approvals, signIn } = deps
  const { limit, maxBody } = guards
  const app = new Hono<HttpEnv>({ strict: false })
  const consentOf = (c: HttpContext) => deps.servers.consent(c.get('origin'))

  app.get(path, limit, maxBody, async (c) => {
    const view = await consentOf(c).view(exchangeOf(c, deps))
    return show(view, { ...deps, typing: c.req.query('by') === 'code' })
  })

  app.post(path, limit, maxBody, async (c) => {
    // The page's own form sends its origin; another page of this machine may share the cookie jar.
    if (c.req.header('origin') !== c.get('origin'))
      return show({ kind: 'gone' }, { ...deps, typing: true })
    const form = await c.req.parseBody()
    const code = typeof form.code === 'string' ? form.code : ''
    const answer = { allow: form.decision === 'allow', code }
    const view = await consentOf(c).answer(exchangeOf(c, deps), answer)
    return show(view, { ...deps, typing: true })
  })

  /** The interaction in the path, if this browser began it. */
  async function ownInteraction(c: HttpContext): Promise<string | undefined> {
    const exchange = exchangeOf(c, deps)
    return (await consentOf(c).isOpen(exchange)) ? exchange.interaction : undefined
  }

  app.get(`${path}/sign-in/:provider`, limit, async (c) => {
    const interaction = await ownInteraction(c)
    if (interaction === undefined) return gone()
    const at = { interaction, origin: c.get('origin') }
    const url = await signIn.begin(c.req.param('provider'), at)
    return url === undefined ? failed('This way to sign in cannot be used now.') : c.redirect(url)
  })

  app.get(`${path}/signed-in`, limit, async (c) => {
    const interaction = await ownInteraction(c)
    if (interaction === undefined) return gone()
    const outcome = await signIn.finish(interaction, new URL(c.req.url))
    if (!outcome.ok) return failed(outcome.problem)
    approvals.vouch(interaction, outcome.who)
    return c.redirect(oauthPaths.consent(interaction), 303)
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

/**
 * Where an answer at `/api/oauth/callback` belongs when it is that of a sign-in: to its
 * interaction, as only there the browser sends the cookie that proves it began it.
 */
export function signInAnswerPath(url: URL): string | undefined {
  const interaction = interactionOfState(url.searchParams.get('state') ?? undefined)
  return interaction && `${oauthPaths.consent(interaction)}/signed-in${url.search}`
}

function gone(): Response {
  return failed('This request has expired, or was started in another browser.')
}

function failed(text: string): Response {
  const hint =
    'Go back to allow it with the code of the terminal, or start again from the application.'
  return pageResponse(renderMessagePage({ title: 'Not signed in', text, hint }), 400)
}
