import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import type { HttpEnv } from '../../src/http/http-env.ts'
import { openListener } from '../../src/http/listener.ts'
import {
  type AccessDeps,
  requireAccess,
  requireToolScopes,
} from '../../src/http/middleware/access.ts'
import { checked } from '../../src/http/middleware/checks.ts'
import { createFailedCredentials } from '../../src/http/middleware/failed-credentials.ts'
import { hostGuard } from '../../src/http/middleware/host-guard.ts'
import { jsonBody, messages } from '../../src/http/middleware/json-body.ts'
import { defaultOAuthLimits, type OAuthLimits } from '../../src/http/middleware/oauth-limit.ts'
import { allowedPages, originGuard } from '../../src/http/middleware/origin-guard.ts'
import { renderErrorPage } from '../../src/http/pages/message-page.ts'
import { pageHeaders } from '../../src/http/pages/page.ts'
import { signInAnswerPath } from '../../src/http/routes/consent-routes.ts'
import { oauthRoutes } from '../../src/http/routes/oauth-routes.ts'
import type { GuardedFetch } from '../../src/lib/guarded-fetch.ts'
import type { Logger } from '../../src/lib/logger.ts'
import {
  type ApprovalAnnouncement,
  type ApprovalNews,
  createApprovals,
  defaultApprovalLimits,
} from '../../src/oauth/authorization-server/approvals.ts'
import { createAuthorizationServers } from '../../src/oauth/authorization-server/authorization-servers.ts'
import { createDocumentFetch } from '../../src/oauth/authorization-server/client-documents.ts'
import { createGrants } from '../../src/oauth/authorization-server/grants.ts'
import { createSignIn } from '../../src/oauth/authorization-server/sign-in.ts'
import {
  createSignInProvider,
  type SignInProviderConfig,
} from '../../src/oauth/authorization-server/sign-in-provider.ts'
import { openSigningKeys } from '../../src/oauth/authorization-server/signing-keys.ts'
import type { ProfileAuth } from '../../src/oauth/policy.ts'
import { createAccessControl } from '../../src/oauth/resource-server/access-control.ts'
import { createApiKeys } from '../../src/oauth/resource-server/api-keys.ts'
import { createOwnIssuer } from '../../src/oauth/resource-server/token-issuer.ts'
import { createRequiredScopes, scopesOfTools } from '../../src/oauth/resource-server/tool-scopes.ts'
import { senderOf } from '../../src/origin/client-address.ts'
import { createKnownOrigins } from '../../src/origin/known-origins.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { silentLogger } from '../fixtures/silent-logger.ts'

const profiles = [
  { name: 'default', description: 'Everything', scopes: ['mcp'] },
  { name: 'work', description: undefined, scopes: ['mcp', 'write'] },
]
const rules = [{ scope: 'write', tools: ['notes/write_*'], annotations: [] }]

export interface LabOptions {
  auth?: ProfileAuth
  /** Answers for client metadata documents; without it they are not offered. */
  documents?: GuardedFetch
  limits?: Partial<OAuthLimits>
  signIn?: { providers: readonly SignInProviderConfig[]; allow: readonly string[] }
  logger?: Logger
  /** Approvals are limited as they are for real. */
  strictApprovals?: boolean
}

export type Lab = Awaited<ReturnType<typeof startLab>>

/**
 * The OAuth parts on two real listeners: `local` is on this machine, `public` is where a tunnel leads.
 * The protected resource answers with who was let in.
 */
export async function startLab(options: LabOptions = {}) {
  const home = await mkdtemp(join(tmpdir(), 'sallyport-oauth-'))
  const store = openSqliteStore(join(home, 'state.sqlite'), () => now())
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const announcements: ApprovalAnnouncement[] = []
  const news: ApprovalNews[] = []
  const keyFile = join(home, 'oauth-keys.json')
  const keys = await openSigningKeys(keyFile)
  const grants = createGrants({ store, now })
  const approvals = createApprovals({
    announce: (one) => announcements.push(one),
    tell: (one) => news.push(one),
    now,
    limits: options.strictApprovals
      ? defaultApprovalLimits
      : {
          announcementsPerTenMinutes: { each: 1_000, all: 1_000 },
          wrongCodesPerHour: { each: 1_000, all: 1_000 },
        },
  })
  const apiKeys = createApiKeys({ store, now })
  const servers = createAuthorizationServers({
    store,
    keys,
    grants,
    approvals,
    profiles: () => profiles,
    fetch: createDocumentFetch(
      options.documents ?? (() => Promise.reject(new Error('no network in tests'))),
      [],
    ) as typeof fetch,
    clientMetadataDocuments: () => options.documents !== undefined,
    renderError: renderErrorPage,
    errorHeaders: pageHeaders,
    now,
    logger: silentLogger,
  })
  const access = createAccessControl({
    profile: (name) => {
      const profile = profiles.find((one) => one.name === name)
      return profile && { ...profile, auth: options.auth }
    },
    allowAnonymous: false,
    issuers: (origin) => [createOwnIssuer(origin, servers.publicKeys)],
    isGrantLive: grants.isLive,
    apiKeys,
    now,
    logger: silentLogger,
  })

  const open = (name: 'http' | 'tunnel') =>
    openListener({ name, host: '127.0.0.1', port: 0, portSetting: 'PORT', strictPort: true })
  const listeners = { http: await open('http'), tunnel: await open('tunnel') }
  const local = `http://127.0.0.1:${listeners.http.port}`
  const publicOrigin = `http://127.0.0.1:${listeners.tunnel.port}`
  const origins = createKnownOrigins({
    listeners: [
      { name: 'http', scheme: 'http', exposure: 'loopback', origins: [local] },
      { name: 'tunnel', scheme: 'http', exposure: 'public', origins: [] },
    ],
    externalOrigin: undefined,
    allowedHosts: () => [],
    allowedOrigins: () => [],
  })
  origins.admit(publicOrigin)
  const { exposureOf } = origins

  const app = new Hono<HttpEnv>({ strict: false })
  const named = { configFile: 'config/gateway.json' }
  app.use(
    checked(hostGuard(origins, silentLogger, named), originGuard(origins, silentLogger, named)),
  )
  app.use(allowedPages())
  app.route(
    '/',
    oauthRoutes({
      servers,
      access,
      approvals,
      signIn: createSignIn({
        providers: options.signIn?.providers.map(createSignInProvider) ?? [],
        allow: options.signIn?.allow ?? [],
        now,
        logger: silentLogger,
      }),
      limits: {
        ...defaultOAuthLimits,
        authorize: 1_000,
        consent: 1_000,
        register: 1_000,
        token: 1_000,
        ...options.limits,
      },
      exposureOf,
      profiles: () => profiles,
      authorizationServers: (origin) => [origin],
      content: (name) => ({
        description: profiles.find((one) => one.name === name)?.description,
        servers: [{ name: 'notes', tools: ['write_note', 'read_note'] }],
      }),
      redirectSchemes: [],
      // Every edge names the client in the header that tests choose.
      senderOf: (c) =>
        senderOf(c.req.header('x-test-client') ?? '203.0.113.1', {
          listener: c.env.listener,
          exposure: exposureOf(c.env.listener),
          origin: c.get('origin'),
          header: (name) => c.req.header(name),
        }),
    }),
  )
  app.get('/api/oauth/callback', (c) => {
    const path = signInAnswerPath(new URL(c.req.url))
    return path === undefined ? c.notFound() : c.redirect(path)
  })
  const required = createRequiredScopes(rules)
  const deps: AccessDeps = {
    access,
    exposureOf,
    // Who a test says it is; otherwise the address, which is this machine's.
    sourceOf: (c) => c.req.header('x-test-source') ?? c.env.incoming.socket.remoteAddress ?? '',
    failures: createFailedCredentials(options.logger ?? silentLogger),
    onRefused: () => {},
    scopesOf: async (_, tools) =>
      scopesOfTools(tools, {
        required,
        every: ['mcp', 'write'],
        tool: (name) => ({ server: 'notes', name }),
      }),
  }
  const mayCall = checked(
    requireAccess(deps),
    jsonBody(() => 1024),
    messages({ answers: true }),
    requireToolScopes(deps),
  )
  app.all('/api/mcp/:profile', mayCall, (c) => c.json({ principal: c.get('principal') }))
  for (const listener of Object.values(listeners)) listener.serve(app)

  return {
    local,
    public: publicOrigin,
    mcp: (profile: string, origin = publicOrigin) => `${origin}/api/mcp/${profile}`,
    announcements,
    news,
    approvals,
    apiKeys,
    clock,
    grants,
    keyFile,
    stateFile: join(home, 'state.sqlite'),
    servers,
    store,
    async close() {
      await Promise.all([listeners.http.close(), listeners.tunnel.close()])
      store.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}
