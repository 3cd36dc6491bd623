import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import { isLoopbackHost } from '../lib/hosts.ts'
import type { Logger } from '../lib/logger.ts'
import type { UpstreamConnections } from '../lib/upstream-connections.ts'
import type { Sealer } from '../mcp/endpoint/session-records.ts'
import type { UpstreamAuth } from '../mcp/upstreams/upstream-auth.ts'
import { createOAuthClient, type OAuthClientRole } from '../oauth/client/oauth-client.ts'
import { LoginNeededError } from '../oauth/client/upstream-auth-error.ts'
import { protectedUpstreams } from '../oauth/client/upstream-grants.ts'
import { publicUrls } from '../origin/public-urls.ts'
import { createSealedStore, type SealingKey, seal, unseal } from '../store/sealed-store.ts'
import { loadSealingKey } from '../store/sealing-key.ts'
import type { Store } from '../store/store.ts'

/** The OAuth client, in the shape that upstreams, routes and terminal each need. */
export interface UpstreamLogins {
  readonly role: OAuthClientRole
  readonly auth: UpstreamAuth
  /** Seals what strangers carry for us, with the key that seals tokens. */
  readonly sealer: Sealer
  /** Which servers a new address concerns, as warnings with the exact redirect URI. */
  redirectWarnings(): Promise<GatewayEvent[]>
}

/** @throws UserError STORE_UNUSABLE when the key that seals tokens cannot be had */
export async function createUpstreamLogins(options: {
  config: ResolvedConfig
  file: () => GatewayFile
  store: Store
  /** The address of now, which redirect URIs are made of. */
  appUrl: () => string
  connections: UpstreamConnections
  /** A server was logged in to, or disconnected. */
  onLoginChanged: (server: string) => void
  logger: Logger
}): Promise<UpstreamLogins> {
  const { config, store, appUrl } = options
  const key = await loadSealingKey({ home: config.home, secret: config.secret })
  const role = createOAuthClient({
    upstreams: () => protectedUpstreams(options.file()),
    sealedStore: createSealedStore(store, key),
    urls: () => {
      const { redirectUri, clientMetadata, upstreamLogin } = publicUrls(appUrl())
      // An issuer can fetch the document only where everybody reaches it.
      const { protocol, hostname } = new URL(appUrl())
      const isPublic = protocol === 'https:' && !isLoopbackHost(hostname)
      const document = isPublic ? clientMetadata : undefined
      return { redirectUri, clientMetadata: document, login: upstreamLogin }
    },
    connections: options.connections,
    now: Date.now,
    logger: options.logger,
    onChange: (server, state) => {
      if (state !== 'login-needed') options.onLoginChanged(server)
    },
  })
  return {
    role,
    sealer: createSealer(key),
    auth: {
      accessToken: async (server) =>
        server.auth === false ? undefined : role.accessToken(server.name),
      async refused(server, { status, ...refusal }) {
        const verdict = await (status === 401
          ? role.onUnauthorized(server.name, refusal)
          : role.onInsufficientScope(server.name, refusal))
        if (verdict === 'retry') return verdict
        throw new LoginNeededError(server.name, role.loginUrl(server.name))
      },
      async pendingLogin(server) {
        const status = await role.status(server)
        if (status.state !== 'login-needed') return undefined
        const { loginUrl } = status
        return { loginUrl, message: new LoginNeededError(server, loginUrl).message }
      },
    },
    async redirectWarnings() {
      const changes = await role.redirectChanges()
      return changes
        .filter(({ change }) => change === 'edit-by-hand')
        .map(({ server, issuer, clientId, redirectUri }) => ({
          event: 'warning',
          code: 'REDIRECT_URI_CHANGED',
          message: `The client ${JSON.stringify(clientId)} of server "${server}" is registered at ${issuer} for another address.`,
          hint: `Add this redirect URI there: ${redirectUri}`,
        }))
    },
  }
}

/** Sealed values as one word, such as a header may carry. */
function createSealer(key: SealingKey): Sealer {
  const place = ['mcp-session']
  return {
    seal(value) {
      const { iv, tag, data } = seal(key, place, value)
      return [iv, tag, data].join('.')
    },
    open(text) {
      const [iv = '', tag = '', data = ''] = text.split('.')
      const opened = unseal(key, place, { sealed: 1, keyId: key.id, iv, tag, data })
      return opened.ok ? opened.value : undefined
    },
  }
}
