import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type JWKS, Provider } from 'oidc-provider'
import type { TestPair } from '../../tls/lab.ts'
import { createIssuerMemory, issuerKeys } from './issuer-memory.ts'

/** An authorization server of somebody else's (oidc-provider), whose user allows everything. */
export interface ForeignIssuer {
  readonly issuer: string
  /** The requests it got, as `POST /token`. */
  readonly requests: string[]
  /** Whether it issued this access token for that resource, and the scopes it has. */
  introspect(accessToken: string, resource: string): Promise<string[] | undefined>
  /** Ends every grant, as its user might. */
  revokeGrants(): Promise<void>
  /** Loses the next token requests on the way here, or the answers to them on the way back. */
  loseTokens(what: 'requests' | 'answers', count: number): void
  close(): Promise<void>
}

export interface ForeignIssuerOptions {
  readonly registration?: boolean
  /** Whether a refresh token works once, and its second use ends the grant. */
  readonly rotation?: boolean
  /** Makes it HTTPS. */
  readonly pair?: TestPair
}

export async function startForeignIssuer(
  options: ForeignIssuerOptions = {},
): Promise<ForeignIssuer> {
  const { server, origin } = await listen(options.pair)
  const provider = createProvider(origin, { ...options, jwks: await issuerKeys() })
  const requests: string[] = []
  const grantIds = new Set<string>()
  const lost = { requests: 0, answers: 0 }
  provider.on('grant.success', ({ oidc }) => {
    if (oidc.entities.Grant) grantIds.add(oidc.entities.Grant.jti)
  })
  const callback = provider.callback()
  server.on('request', (request, response) => {
    const path = new URL(request.url ?? '/', origin).pathname
    requests.push(`${request.method} ${path}`)
    if (path.startsWith('/interaction/')) {
      void allowEverything(provider, request, response)
      return
    }
    if (path === '/token' && lost.requests > 0) {
      lost.requests -= 1
      request.socket.destroy()
      return
    }
    if (path === '/token' && lost.answers > 0) {
      lost.answers -= 1
      response.end = () => {
        request.socket.destroy()
        return response
      }
    }
    void callback(request, response)
  })
  return {
    issuer: origin,
    requests,
    async introspect(accessToken, resource) {
      const token =
        (await provider.AccessToken.find(accessToken)) ??
        (await provider.ClientCredentials.find(accessToken))
      if (token?.aud !== resource || token.isExpired) return undefined
      return token.scope?.split(' ') ?? []
    },
    async revokeGrants() {
      for (const id of grantIds) await provider.RefreshToken.revokeByGrantId(id)
      for (const id of grantIds) await provider.AccessToken.revokeByGrantId(id)
    },
    loseTokens(what, count) {
      lost[what] = count
    },
    close: () => closeServer(server),
  }
}

const hour = 3_600

function createProvider(origin: string, options: ForeignIssuerOptions & { jwks: JWKS }): Provider {
  return new Provider(origin, {
    adapter: createIssuerMemory(),
    jwks: options.jwks,
    ttl: {
      AccessToken: hour,
      AuthorizationCode: hour,
      ClientCredentials: hour,
      Grant: hour,
      IdToken: hour,
      Interaction: hour,
      RefreshToken: hour,
      Session: hour,
    },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: 'own name',
        client_secret: 'a+secret/with:signs',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: 'by-hand',
        client_secret: 'by-hand-secret',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['https://one.example/api/oauth/callback'],
      },
    ],
    cookies: { keys: ['test'] },
    scopes: ['offline_access'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    rotateRefreshToken: options.rotation ?? true,
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: options.registration ?? true },
      revocation: {
        enabled: true,
        allowedPolicy: (_, client, token) => token.clientId === client.clientId,
      },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          audience: resource,
          scope: 'mcp mcp:write',
          accessTokenTTL: 3600,
          accessTokenFormat: 'opaque',
        }),
      },
    },
  })
}

async function allowEverything(
  provider: Provider,
  ...[request, response]: Parameters<RequestListener>
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: 'somebody' } })
  }
  const grant =
    (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
    new provider.Grant({
      ...(session && { accountId: session.accountId }),
      clientId: String(params.client_id),
    })
  grant.addOIDCScope('openid offline_access')
  grant.addResourceScope(String(params.resource), String(params.scope ?? ''))
  const consent = { grantId: await grant.save() }
  return provider.interactionFinished(
    request,
    response,
    { consent },
    { mergeWithLastSubmission: true },
  )
}

/** Listens on a free port of this machine, over HTTPS with a certificate for 127.0.0.1. */
export async function listen(pair?: TestPair): Promise<{ server: Server; origin: string }> {
  const server = pair ? createSecureServer(pair) : createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const scheme = pair ? 'https' : 'http'
  return { server, origin: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
