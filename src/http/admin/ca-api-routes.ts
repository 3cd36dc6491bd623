import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { AdminEnv } from './admin-env.ts'
import { adminErrorResponse } from './admin-error.ts'
import type { ActionResult, BundleActions } from './bundle-actions.ts'
import { maxBodyBytes } from './bundle-upload.ts'

const path = '/api/admin/servers/:name/ca'

/** A server's bundle as JSON. Keys go in and never come out. */
export function caApiRoutes(actions: BundleActions): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  app.get(path, async (c) => answer(await actions.show(c), (bundle) => ({ ...bundle })))
  app.put(path, limitBody(), async (c) => answer(await actions.put(c), (result) => ({ ...result })))
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

/** Refuses a body that is too long without reading it to its end. */
export function limitBody() {
  return bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      const answered = adminErrorResponse({
        status: 413,
        code: 'TOO_LARGE',
        error: `The upload is larger than ${maxBodyBytes / 1024 / 1024} MB.`,
        hint: 'Send the certificates of the authority alone, at most 10 MB a file.',
      })
      // The rest of the body is not read, so the connection cannot be used again.
      answered.headers.set('connection', 'close')
      return answered
    },
  })
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
