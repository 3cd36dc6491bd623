import { join } from 'node:path'
import type { GatewayFile, ProfileConfig, ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import type { HttpContext } from '../http/http-env.ts'
import type { AccessDeps } from '../http/middleware/access.ts'
import { createFailedCredentials } from '../http/middleware/failed-credentials.ts'
import { defaultOAuthLimits } from '../http/middleware/oauth-limit.ts'
import { renderErrorPage } from '../http/pages/message-page.ts'
import { pageHeaders } from '../http/pages/page.ts'
import type { OAuthRouteDeps } from '../http/routes/oauth-routes.ts'
import type { Logger } from '../lib/logger.ts'
import { ownValue } from '../lib/objects.ts'
import type { ProfileView } from '../mcp/profiles/profile-view.ts'
import {
  type Approvals,
  createApprovals,
  defaultApprovalLimits,
} from '../oauth/authorization-server/approvals.ts'
import { createAuthorizationServers } from '../oauth/authorization-server/authorization-servers.ts'
import {
  canFetchDocuments,
  createDocumentFetch,
  createStrangersFetch,
} from '../oauth/authorization-server/client-documents.ts'
import { createGrants } from '../oauth/authorization-server/grants.ts'
import { createSignIn } from '../oauth/authorization-server/sign-in.ts'
import { createSignInProvider } from '../oauth/authorization-server/sign-in-provider.ts'
import { openSigningKeys } from '../oauth/authorization-server/signing-keys.ts'
import { createAccessControl } from '../oauth/resource-server/access-control.ts'
import { createApiKeys } from '../oauth/resource-server/api-keys.ts'
import { createExternalIssuer, createOwnIssuer } from '../oauth/resource-server/token-issuer.ts'
import {
  allScopes,
  createRequiredScopes,
  scopesOfTools,
  type ToolScopeRule,
} from '../oauth/resource-server/tool-scopes.ts'
import {
  addressBlock,
  clientAddress,
  type ForwardedForm,
  senderOf,
} from '../origin/client-address.ts'
import type { KnownOrigins } from '../origin/known-origins.ts'
import type { Store } from '../store/store.ts'

export type Authorization = Awaited<ReturnType<typeof createAuthorization>>

const noRules: readonly ToolScopeRule[] = []

/** Where the keys that sign our access tokens are kept. */
export function signingKeyFile(home: string): string {
  return join(home, 'oauth-keys.json')
}

/**
 * Both server roles of OAuth, in the shape that routes and terminal need.
 * @throws UserError STORE_UNUSABLE when the signing keys cannot be used
 */
export async function createAuthorization(options: {
  config: ResolvedConfig
  file: () => GatewayFile
  view: (profile: string) => ProfileView | undefined
  /** The same once every server had its moment to be seen. */
  seenView: (profile: string) => Promise<ProfileView> | undefined
  store: Store
  origins: KnownOrigins
  /** How the open tunnel names who sent a request. */
  forwardedForm: () => ForwardedForm | undefined
  onEvent: (event: GatewayEvent) => void
  onRefused: AccessDeps['onRefused']
  logger: Logger
}) {
  const { config, file, store, origins, logger } = options
  const now = Date.now
  const keys = await openSigningKeys(signingKeyFile(config.home))
  const grants = createGrants({ store, now })
  const approvals = createApprovals({
    announce: (announcement) => options.onEvent({ event: 'approval', ...announcement }),
    tell: (news) => options.onEvent({ event: 'approval-state', ...news }),
    now,
    limits: defaultApprovalLimits,
  })
  const strangers = createStrangersFetch()
  let fetchesDocuments = false
  // Clients are told of metadata documents only once one could be fetched; until then they register.
  void canFetchDocuments(strangers).then((can) => {
    fetchesDocuments = can
  })
  const protectedProfiles = () =>
    profilesOf(file())
      .filter(({ auth }) => auth !== 'key')
      .map(({ name, description, scopes }) => ({ name, description, scopes: allScopes(scopes) }))
  const servers = createAuthorizationServers({
    store,
    keys,
    grants,
    approvals,
    profiles: protectedProfiles,
    fetch: createDocumentFetch(strangers, config.auth.redirectSchemes) as typeof fetch,
    clientMetadataDocuments: () => fetchesDocuments,
    renderError: renderErrorPage,
    errorHeaders: pageHeaders,
    now,
    logger,
  })
  const external = config.auth.issuer
  const foreign =
    external === undefined ? [] : [createExternalIssuer(external, { fetch: globalThis.fetch })]
  const own = remember((origin: string) => createOwnIssuer(origin, servers.publicKeys))
  const requiredScopes = rememberWeakly(createRequiredScopes)
  const addressOf = ({ env, req }: Pick<HttpContext, 'env' | 'req'>) =>
    clientAddress({
      peer: env.incoming.socket.remoteAddress,
      header: (name) => req.header(name),
      form: env.listener === 'tunnel' ? options.forwardedForm() : undefined,
    })
  const access = createAccessControl({
    profile: (name) => ownValue(file().profiles, name),
    allowAnonymous: config.tunnels.allowAnonymous,
    issuers: (origin) => [own(origin), ...foreign],
    isGrantLive: grants.isLive,
    apiKeys: createApiKeys({ store, now }),
    now,
    logger,
  })

  return {
    approvals,
    access: {
      access,
      exposureOf: origins.exposureOf,
      sourceOf: (c) => addressBlock(addressOf(c)),
      failures: createFailedCredentials(logger),
      onRefused: options.onRefused,
      async scopesOf(name, tools) {
        const rules = ownValue(file().profiles, name)?.scopes ?? noRules
        const current = options.view(name)
        const isKnown = tools.every((tool) => current?.tool(tool)?.item !== undefined)
        // One server that is slow to start delays no call of another's tools.
        const view = isKnown || rules.length === 0 ? current : await options.seenView(name)
        return scopesOfTools(tools, {
          required: requiredScopes(rules),
          every: allScopes(rules),
          tool: (tool) => scopedTool(tool, view),
        })
      },
    },
    routes: {
      servers,
      access,
      approvals,
      signIn: createSignIn({
        providers: config.auth.signIn.map(createSignInProvider),
        allow: config.auth.allow,
        now,
        logger,
      }),
      limits: defaultOAuthLimits,
      exposureOf: origins.exposureOf,
      profiles: protectedProfiles,
      authorizationServers: (origin) => [external ?? origin],
      content: (name) => contentOf(ownValue(file().profiles, name), options.view(name)),
      senderOf: (c) =>
        senderOf(addressOf(c), {
          listener: c.env.listener,
          exposure: origins.exposureOf(c.env.listener),
          origin: c.get('origin'),
          header: (name) => c.req.header(name),
        }),
      redirectSchemes: config.auth.redirectSchemes,
    },
  } satisfies {
    readonly access: AccessDeps
    readonly routes: OAuthRouteDeps
    readonly approvals: Approvals
  }
}

/** `default` stands for the origin as a whole, so it comes first. */
function profilesOf({ profiles }: GatewayFile): ProfileConfig[] {
  const all = Object.values(profiles)
  return [...all].sort((a, b) => Number(b.name === 'default') - Number(a.name === 'default'))
}

function scopedTool(name: string, view: ProfileView | undefined) {
  const origin = view?.tool(name)
  // Of a tool that nobody has listed yet, nothing is known that a rule could go by.
  if (!origin?.item) return undefined
  const annotations = origin.item.annotations as
    | { readOnlyHint?: boolean; destructiveHint?: boolean }
    | undefined
  return { server: origin.server, name: origin.name, ...(annotations && { annotations }) }
}

function contentOf(profile: ProfileConfig | undefined, view: ProfileView | undefined) {
  const tools = view?.tools ?? []
  return {
    description: profile?.description,
    servers: (profile?.servers ?? []).map((name) => ({
      name,
      tools: tools.filter(({ server }) => server === name).map((tool) => tool.name),
    })),
  }
}

function remember<T>(create: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    const known = made.get(key) ?? create(key)
    made.set(key, known)
    return known
  }
}

/** The same for keys that are objects, such as the rules of one reading of the file. */
function rememberWeakly<K extends object, T>(create: (key: K) => T): (key: K) => T {
  const made = new WeakMap<K, T>()
  return (key) => {
    const known = made.get(key) ?? create(key)
    made.set(key, known)
    return known
  }
}
