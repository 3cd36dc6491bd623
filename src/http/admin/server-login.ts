import { Hono } from 'hono'
import { serverIn } from './bundle.ts'
import {
  type AdminContext,
  type AdminDeps,
  type AdminEnv,
  AdminRefusal,
  answerRefusal,
  apiResponse,
} from './guard.ts'

/** The login to the server that a request names, ended as JSON. */
export function serverLoginRoutes({ logins }: Pick<AdminDeps, 'logins'>): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  app.delete('/api/admin/servers/:name/login', async (c) => {
    await disconnect(c, logins)
    return apiResponse({ server: serverIn(c), disconnected: true })
  })
  app.onError((error, c) => {
    if (!(error instanceof AdminRefusal)) throw error
    return answerRefusal(c, error, serverIn(c))
  })
  return app
}

/**
 * Ends the login to the server that a request names: its grant is revoked where it came from, and
 * forgotten.
 * @throws AdminRefusal when there is none
 */
export async function disconnect(c: AdminContext, logins: AdminDeps['logins']): Promise<void> {
  if (await logins.disconnect(serverIn(c))) return
  throw new AdminRefusal(404, 'NOT_CONNECTED', {
    error: `There is no login to a server ${JSON.stringify(serverIn(c))}.`,
    hint: 'Servers that are logged in to are on the admin page.',
  })
}
