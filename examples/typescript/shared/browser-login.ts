import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oauth from 'oauth4webapi'
import type { Protected } from './discover.ts'

/** How long the owner may take, ms; the gateway forgets the request after ten minutes. */
const patienceMs = 10 * 60_000

export interface Login {
  readonly clientId: string
  readonly tokens: oauth.TokenEndpointResponse
}

/** Authorization code with PKCE and a redirect to this machine (RFC 8252). */
export async function logInWithBrowser({ as, resource, scope }: Protected): Promise<Login> {
  const redirect = await listenForRedirect()
  try {
    const { redirectUri } = redirect
    const client = await register(as, redirectUri)
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(String(as.authorization_endpoint))
    url.search = new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: redirectUri,
      ...(scope && { scope }),
      state,
      resource,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()
    console.error(`Allow this program in your browser:\n  ${url}`)
    openBrowser(url)
    const parameters = oauth.validateAuthResponse(as, client, await redirect.arrived, state)
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      parameters,
      redirectUri,
      verifier,
      { additionalParameters: { resource } },
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response)
    return { clientId: client.client_id, tokens }
  } finally {
    redirect.close()
  }
}

/** Dynamic registration (RFC 7591), as a program without a secret. */
async function register(as: oauth.AuthorizationServer, redirectUri: string): Promise<oauth.Client> {
  const metadata = {
    client_name: 'Sallyport example',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }
  const response = await oauth.dynamicClientRegistrationRequest(as, metadata)
  return oauth.processDynamicClientRegistrationResponse(response)
}

async function listenForRedirect() {
  const arrived = Promise.withResolvers<URL>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const isRedirect = url.pathname === '/callback'
    response.writeHead(isRedirect ? 200 : 404, { connection: 'close' })
    response.end(isRedirect ? 'You may close this window.' : '')
    if (isRedirect) arrived.resolve(url)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const timer = setTimeout(() => arrived.reject(new Error('Nobody allowed it.')), patienceMs)
  return {
    redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    arrived: arrived.promise,
    close() {
      clearTimeout(timer)
      server.close()
    },
  }
}

function openBrowser(url: URL): void {
  const usual = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] }
  const found = usual[process.platform as keyof typeof usual] ?? ['xdg-open']
  const [command = '', ...args] = process.env.BROWSER ? [process.env.BROWSER] : found
  const child = spawn(command, [...args, url.href], { stdio: 'ignore', detached: true })
  // The address has been printed, for a machine without a browser.
  child.on('error', () => {})
  child.unref()
}
