import { Hono } from 'hono'
import type { AdminEnv } from './admin-env.ts'
import { adminErrorResponse } from './admin-error.ts'
import type { ActionResult, BundleActions } from './bundle-actions.ts'
import { limitUpload } from './limit-upload.ts'

const path = '/api/admin/servers/:name/ca'

/** A server's bundle as JSON. Keys go in and never come out. */
export function caApiRoutes(actions: BundleActions): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  app.get(path, async (c) => answer(await actions.show(c), (bundle) => ({ ...bundle })))
  app.put(path, limitUpload(), async (c) =>
    answer(await actions.put(c), (result) => ({ ...result })),
  )
  app.delete(path, async (c) => answer(await actions.remove(c), () => ({ removed: true })))
  app.all(path, () => {
    const answered = adminErrorResponse({
      status: 405,
      code: 'WRONG_METHOD',
      error: 'A bundle is read, put or deleted.',
      hint: 'Send GET, PUT or DELETE.',
    })
    answered.headers.set('allow', 'GET, PUT, DELETE')
    return answered
  })
  return app
}

function answer<T>(result: ActionResult<T>, show: (value: T) => object): Response {
  const { server } = result
  if (!result.ok) {
    const found = result.result
    return adminErrorResponse(result.refusal, { server, ...(found && { files: found.files }) })
  }
  return Response.json(
    { server, ...show(result.value) },
    { headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } },
  )
}
