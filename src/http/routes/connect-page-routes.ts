import { Hono } from 'hono'
import { clientEntryName, keyVariableOf } from '../../clients/mcp-client.ts'
import { entryCaFile, type TrustFilePaths } from '../../clients/trust-variables.ts'
import { needsCa } from '../../origin/exposure.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import { isBrowserVisit } from '../browser-requests.ts'
import type { HttpContext, HttpEnv } from '../http-env.ts'
import type { AccessDeps } from '../middleware/access.ts'
import { type ConnectPage, copyScriptHash, renderConnectPage } from '../pages/connect-page.ts'
import type { ProfileContent } from '../pages/consent-page.ts'
import { pageResponse } from '../pages/page.ts'

export interface ConnectPageDeps {
  readonly access: AccessDeps
  content(profile: string): ProfileContent
  /** The files of our authority, where it signed the local certificate. */
  readonly trustFiles: () => TrustFilePaths | undefined
  readonly platform: NodeJS.Platform
}

/**
 * Answers somebody who opens an endpoint in a browser with a page about it, and leaves every other
 * request to the endpoint. The page comes before the access check, and shows what a stranger may
 * see; tools are shown where the check would let everybody in.
 */
export function connectPageRoutes(deps: ConnectPageDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>({ strict: false })
  app.get('/api/mcp/:profile', async (c, next) => {
    if (!isBrowserVisit((name) => c.req.header(name))) return next()
    const page = pageOf(c, c.req.param('profile'), deps)
    if (!page) return next()
    const response = pageResponse(renderConnectPage(page), 200, { scriptHash: copyScriptHash })
    response.headers.set('vary', 'Accept')
    return response
  })
  return app
}

/** Programs on BoringSSL take no certificate of ours at an address of this machine (ADR 3). */
function byName(origin: string): string {
  return origin.replace(/^https:\/\/(127\.0\.0\.1|\[::1\])(?=:|$)/, 'https://localhost')
}

function pageOf(c: HttpContext, profile: string, deps: ConnectPageDeps): ConnectPage | undefined {
  const exposure = deps.access.exposureOf(c.env.listener)
  const auth = deps.access.access.authOf(profile, exposure)
  if (auth === undefined) return undefined
  const origin = c.get('origin')
  const { description, servers } = deps.content(profile)
  const name = clientEntryName(profile)
  const files = needsCa(origin) ? deps.trustFiles() : undefined
  const isHere = exposure === 'loopback'
  const connection = {
    name,
    url: publicUrls(isHere ? byName(origin) : origin).mcp(profile),
    keyVariable: auth === 'key' ? keyVariableOf(name) : undefined,
    caFile: isHere ? entryCaFile(files) : undefined,
  }
  const trust: ConnectPage['trust'] = !files
    ? { kind: 'none' }
    : isHere
      ? { kind: 'files', files }
      : { kind: 'elsewhere' }
  const visible = auth === 'none' ? servers : undefined
  const { platform } = deps
  return { profile, description, connection, auth, servers: visible, trust, platform }
}
