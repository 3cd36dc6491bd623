import { Hono, type MiddlewareHandler } from 'hono'
import type { Approvals } from '../../oauth/authorization-server/approvals.ts'
import type { AuthorizationServers } from '../../oauth/authorization-server/authorization-servers.ts'
import { interactionOfState, type SignIn } from '../../oauth/authorization-server/sign-in.ts'
import { oauthPaths } from '../../oauth/oauth-urls.ts'
import type { Sender } from '../../origin/client-address.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'
import { renderMessagePage } from '../pages/message-page.ts'
import { pageResponse } from '../pages/page.ts'
import { exchangeOf } from './oauth-requests.ts'

export interface SignInRouteDeps {
  readonly servers: Pick<AuthorizationServers, 'consent'>
  readonly approvals: Pick<Approvals, 'vouch'>
  readonly signIn: SignIn
  senderOf(c: HttpContext): Sender
}

const consent = '/oauth/consent/:interaction'

/** The owner signs in elsewhere, to prove who decides. */
export function signInRoutes(
  deps: SignInRouteDeps,
  limit: MiddlewareHandler<HttpEnv>,
): Hono<HttpEnv> {
  const { approvals, servers, signIn } = deps
  const app = new Hono<HttpEnv>({ strict: false })

  /** The interaction in the path, if this browser began it. */
  async function ownInteraction(c: HttpContext): Promise<string | undefined> {
    const exchange = exchangeOf(c, deps)
    const isOpen = await servers.consent(c.get('origin')).isOpen(exchange)
    return isOpen ? exchange.interaction : undefined
  }

  app.get(`${consent}/sign-in/:provider`, limit, async (c) => {
    const interaction = await ownInteraction(c)
    if (interaction === undefined) return gone()
    const at = { interaction, origin: c.get('origin') }
    const url = await signIn.begin(c.req.param('provider'), at)
    return url === undefined ? failed('This way to sign in cannot be used now.') : c.redirect(url)
  })

  app.get(`${consent}/signed-in`, limit, async (c) => {
    const interaction = await ownInteraction(c)
    if (interaction === undefined) return gone()
    const outcome = await signIn.finish(interaction, new URL(c.req.url))
    if (!outcome.ok) return failed(outcome.problem)
    approvals.vouch(interaction, outcome.who)
    return c.redirect(oauthPaths.consent(interaction), 303)
  })
  return app
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
