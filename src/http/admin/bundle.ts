import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { BundleOutcome } from '../../tls/upstream/upstream-bundles.ts'
import {
  type AdminContext,
  type AdminDeps,
  type AdminEnv,
  AdminRefusal,
  answerRefusal,
  apiResponse,
} from './guard.ts'
import { maxBodyBytes, readBundleUpload } from './upload.ts'

export type BundleActions = ReturnType<typeof createBundleActions>

/** What the page and the API do with the bundle of the server that a request names, or refuse to do. */
export function createBundleActions(deps: AdminDeps) {
  const { bundles } = deps
  const changeBy = (c: AdminContext) => ({
    by: `admin session ${c.get('adminSession').id}`,
    from: c.env.incoming.socket.remoteAddress ?? 'this machine',
  })
  const configured = (server: string) => {
    const found = deps.servers().find(({ name }) => name === server)
    if (found) return found
    throw new AdminRefusal(404, 'UNKNOWN_SERVER', {
      error: `There is no server ${JSON.stringify(server)}.`,
      hint: `Check its name in "mcpServers" of ${deps.configFile}.`,
    })
  }
  /** A server that is not configured any more may still have a bundle. */
  const noBundle = (server: string) =>
    new AdminRefusal(404, 'NO_BUNDLE', {
      error: `The server ${JSON.stringify(configured(server).name)} has no bundle of its own.`,
      hint: 'PUT its authorities here; until then the built-in roots count.',
    })

  return {
    /** @throws AdminRefusal, as do the others */
    async show(c: AdminContext) {
      const server = serverIn(c)
      const bundle = await bundles.describe(server)
      if (!bundle) throw noBundle(server)
      return bundle
    },
    async put(c: AdminContext) {
      const server = serverIn(c)
      if (configured(server).url === undefined) {
        throw new AdminRefusal(409, 'NOT_OVER_HTTPS', {
          error: `The server ${JSON.stringify(server)} is a program on this machine, so no certificate is involved.`,
          hint: 'Bundles are for servers with a "url".',
        })
      }
      const result = await bundles.put(server, await readBundleUpload(c.req.raw), changeBy(c))
      if (!result.accepted) throw notAccepted(result)
      if (result.stored) deps.onBundleChanged()
      return result
    },
    async remove(c: AdminContext) {
      const server = serverIn(c)
      if (!(await bundles.remove(server, changeBy(c)))) throw noBundle(server)
      deps.onBundleChanged()
    },
  }
}

const path = '/api/admin/servers/:name/ca'

/** A server's bundle as JSON. Keys go in and never come out. */
export function bundleApiRoutes(actions: BundleActions): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  app.get(path, async (c) => apiResponse(await actions.show(c)))
  app.put(path, limitUpload(), async (c) =>
    apiResponse({ server: serverIn(c), ...(await actions.put(c)) }),
  )
  app.delete(path, async (c) => {
    await actions.remove(c)
    return apiResponse({ server: serverIn(c), removed: true })
  })
  app.all(path, () => {
    const said = { error: 'A bundle is read, put or deleted.', hint: 'Send GET, PUT or DELETE.' }
    const answered = apiResponse({ ...said, code: 'WRONG_METHOD' }, 405)
    answered.headers.set('allow', 'GET, PUT, DELETE')
    return answered
  })
  app.onError((error, c) => {
    if (!(error instanceof AdminRefusal)) throw error
    return answerRefusal(c, error, serverIn(c))
  })
  return app
}

/** Refuses a body that is too long without reading it to its end. */
export function limitUpload(): MiddlewareHandler<AdminEnv> {
  return bodyLimit({
    maxSize: maxBodyBytes,
    onError(c) {
      const refusal = new AdminRefusal(413, 'TOO_LARGE', {
        error: `The upload is larger than ${maxBodyBytes / 1024 / 1024} MB.`,
        hint: 'Send the certificates of the authority alone, at most 10 MB a file.',
      })
      const answered = answerRefusal(c, refusal)
      // The rest of the body is not read, so the connection cannot be used again.
      answered.headers.set('connection', 'close')
      return answered
    },
  })
}

/** The server that a request names in its path. */
export function serverIn(c: AdminContext): string {
  return c.req.param('name') ?? ''
}

function notAccepted({ files }: BundleOutcome): AdminRefusal {
  const verdicts = files.flatMap(({ certificates }) => certificates.map(({ verdict }) => verdict))
  const first = files.find(({ accepted }) => !accepted)
  return new AdminRefusal(verdicts.includes('too-large') ? 413 : 400, 'CERTIFICATE_REFUSED', {
    error: `Nothing was stored. ${first ? `${JSON.stringify(first.file)}: ${first.message}` : ''}`,
    hint: 'All files are taken or none. Leave out what is refused, or correct it, and upload them again.',
    files,
  })
}
