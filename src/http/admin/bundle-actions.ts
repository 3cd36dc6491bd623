import type { BundleDescription } from '../../tls/upstream/describe-bundle.ts'
import type { BundleOutcome } from '../../tls/upstream/upstream-bundles.ts'
import type { AdminDeps } from './admin-deps.ts'
import type { AdminContext } from './admin-env.ts'
import type { AdminError } from './admin-error.ts'
import { readBundleUpload } from './bundle-upload.ts'

/** What the page and the API do with the bundle of the server that a request names. */
export interface BundleActions {
  show(c: AdminContext): Promise<ActionResult<BundleDescription>>
  put(c: AdminContext): Promise<ActionResult<BundleOutcome>>
  remove(c: AdminContext): Promise<ActionResult<undefined>>
}

export type ActionResult<T> =
  | { readonly ok: true; readonly server: string; readonly value: T }
  | {
      readonly ok: false
      readonly server: string
      readonly refusal: AdminError
      /** What was found out about an upload that was refused. */
      readonly result?: BundleOutcome
    }

export function createBundleActions(deps: AdminDeps): BundleActions {
  const { bundles, configFile } = deps
  const nameIn = (c: AdminContext) => c.req.param('name') ?? ''
  const changeBy = (c: AdminContext) => ({
    by: `admin session ${c.get('adminSession').id}`,
    from: c.env.incoming.socket.remoteAddress ?? 'this machine',
  })

  return {
    async show(c) {
      const server = nameIn(c)
      const bundle = await bundles.describe(server)
      if (bundle) return { ok: true, server, value: bundle }
      const isConfigured = deps.servers().some(({ name }) => name === server)
      return {
        ok: false,
        server,
        refusal: isConfigured ? noBundle(server) : unknown(server, configFile),
      }
    },
    async put(c) {
      const server = nameIn(c)
      const found = deps.servers().find(({ name }) => name === server)
      if (!found) return { ok: false, server, refusal: unknown(server, configFile) }
      if (found.url === undefined) return { ok: false, server, refusal: isProgram(server) }
      const read = await readBundleUpload(c.req.raw)
      if (!read.ok) return { ok: false, server, refusal: read.refusal }
      const result = await bundles.put(server, read.upload, changeBy(c))
      if (!result.accepted) return { ok: false, server, refusal: refusalOf(result), result }
      if (result.stored) deps.onBundleChanged()
      return { ok: true, server, value: result }
    },
    async remove(c) {
      const server = nameIn(c)
      if (await bundles.remove(server, changeBy(c))) {
        deps.onBundleChanged()
        return { ok: true, server, value: undefined }
      }
      const isConfigured = deps.servers().some(({ name }) => name === server)
      return {
        ok: false,
        server,
        refusal: isConfigured ? noBundle(server) : unknown(server, configFile),
      }
    },
  }
}

function unknown(server: string, configFile: string): AdminError {
  return {
    status: 404,
    code: 'UNKNOWN_SERVER',
    error: `There is no server ${JSON.stringify(server)}.`,
    hint: `Check its name in "mcpServers" of ${configFile}.`,
  }
}

function noBundle(server: string): AdminError {
  return {
    status: 404,
    code: 'NO_BUNDLE',
    error: `The server ${JSON.stringify(server)} has no bundle of its own.`,
    hint: 'PUT its authorities here; until then the built-in roots count.',
  }
}

function isProgram(server: string): AdminError {
  return {
    status: 409,
    code: 'NOT_OVER_HTTPS',
    error: `The server ${JSON.stringify(server)} is a program on this machine, so no certificate is involved.`,
    hint: 'Bundles are for servers with a "url".',
  }
}

function refusalOf({ files }: BundleOutcome): AdminError {
  const verdicts = files.flatMap(({ certificates }) => certificates.map(({ verdict }) => verdict))
  const first = files.find(({ accepted }) => !accepted)
  return {
    status: verdicts.includes('too-large') ? 413 : 400,
    code: 'CERTIFICATE_REFUSED',
    error: `Nothing was stored. ${first ? `${JSON.stringify(first.file)}: ${first.message}` : ''}`,
    hint: 'All files are taken or none. Leave out what is refused, or correct it, and upload them again.',
  }
}
