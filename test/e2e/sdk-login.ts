import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OAuthClientProvider as ModernProvider } from '@modelcontextprotocol/client'
import type { OAuthClientProvider as LegacyProvider } from '@modelcontextprotocol/sdk/client/auth.js'

type Provider = LegacyProvider & ModernProvider

/** What an application made with either SDK brings to OAuth: a memory, a browser, a loopback port. */
export interface SdkLogin {
  readonly provider: Provider
  /** The parameters of the redirect, once the browser came back with the right state. */
  readonly callback: Promise<URLSearchParams>
  /** Makes the access token one that the gateway does not know. */
  spoilAccessToken(): void
  close(): void
}

export async function startSdkLogin(clientName: string): Promise<SdkLogin> {
  const arrived = Promise.withResolvers<URLSearchParams>()
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    response.end('You may close this window.')
    if (pathname === '/callback') arrived.resolve(searchParams)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const redirectUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`
  const state = randomUUID()
  const kept: Record<string, unknown> = {}
  const keep = (name: string) => (value: unknown) => {
    kept[name] = value
  }
  const provider = {
    redirectUrl,
    clientMetadata: {
      client_name: clientName,
      redirect_uris: [redirectUrl],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    state: () => state,
    clientInformation: () => kept.client,
    saveClientInformation: keep('client'),
    tokens: () => kept.tokens,
    saveTokens: keep('tokens'),
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: keep('verifier'),
    discoveryState: () => kept.discovery,
    saveDiscoveryState: keep('discovery'),
    redirectToAuthorization: (url: URL) => {
      spawn(process.env.BROWSER ?? 'xdg-open', [url.href], { stdio: 'ignore' })
    },
  } as unknown as Provider
  return {
    provider,
    callback: arrived.promise.then((parameters) => {
      if (parameters.get('state') === state) return parameters
      throw new Error('the browser came back with another state')
    }),
    spoilAccessToken() {
      kept.tokens = { ...(kept.tokens as object), access_token: 'spoiled' }
    },
    close: () => void server.close(),
  }
}
