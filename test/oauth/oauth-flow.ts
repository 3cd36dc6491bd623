import * as oauth from 'oauth4webapi'
import type { createResourceMetadata } from '../../src/oauth/resource-server/protected-resource.ts'
import { type Browser, continueUrl, createBrowser, type Visit } from './browser.ts'
import type { Lab } from './lab.ts'

const insecure = { [oauth.allowInsecureRequests]: true }
export const redirectUri = 'http://127.0.0.1:7777/callback'

/** What an MCP client knows before it sends its user to the browser. */
export interface Discovered {
  readonly as: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly resource: string
}

/** From the 401 to a registered client, as an MCP client does it (RFC 9728, 8414, 7591). */
export async function discover(
  lab: Lab,
  profile = 'work',
  origin = lab.public,
): Promise<Discovered> {
  const refused = await fetch(lab.mcp(profile, origin), { method: 'POST' })
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(
    refused.headers.get('www-authenticate') ?? '',
  )?.[1]
  const metadata = (await (await fetch(String(metadataUrl))).json()) as ReturnType<
    typeof createResourceMetadata
  >
  const as = await discoverIssuer(String(metadata.authorization_servers[0]))
  return { as, client: await register(as), resource: metadata.resource }
}

export async function discoverIssuer(url: string): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(url)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  const as = await oauth.processDiscoveryResponse(issuer, response)
  // oauth4webapi compares in the URL's own form, with a slash at its end; here every byte counts.
  if (as.issuer !== url) throw new Error('the issuer is not the one that was asked')
  return as
}

export async function register(
  as: oauth.AuthorizationServer,
  metadata: Record<string, unknown> = {},
): Promise<oauth.Client> {
  const response = await oauth.dynamicClientRegistrationRequest(
    as,
    {
      client_name: 'Test client',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...metadata,
    } as Partial<oauth.OmitSymbolProperties<oauth.Client>>,
    insecure,
  )
  return oauth.processDynamicClientRegistrationResponse(response)
}

export interface Asked {
  readonly url: string
  readonly verifier: string
  readonly state: string
}

/** The authorization request; a value of undefined leaves a parameter out. */
export async function ask(
  { as, client, resource }: Discovered,
  changes: Record<string, string | undefined> = {},
): Promise<Asked> {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const parameters: Record<string, string | undefined> = {
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'mcp',
    state,
    resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...changes,
  }
  const url = new URL(String(as.authorization_endpoint))
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return { url: url.href, verifier, state }
}

/** The owner types the code of the terminal and allows; resolves with where the browser is sent. */
export async function allow(lab: Lab, page: Visit, browser: Browser): Promise<string> {
  const code = lab.announcements.at(-1)?.code ?? ''
  const answered = await browser.submit(page.url, { decision: 'allow', code })
  const left = await browser.open(continueUrl(answered))
  if (!left.leftFor) throw new Error(`the browser stayed: ${left.status} ${left.text}`)
  return left.leftFor
}

export interface Login extends Discovered {
  readonly browser: Browser
  readonly callback: URL
  readonly tokens: oauth.TokenEndpointResponse
}

/** The whole way to tokens. */
export async function logIn(
  lab: Lab,
  options: { found?: Discovered; profile?: string; scope?: string; browser?: Browser } = {},
): Promise<Login> {
  const found = options.found ?? (await discover(lab, options.profile))
  const browser = options.browser ?? createBrowser()
  const asked = await ask(found, options.scope === undefined ? {} : { scope: options.scope })
  const callback = new URL(await allow(lab, await browser.open(asked.url), browser))
  const tokens = await exchange(found, { callback, ...asked })
  return { ...found, browser, callback, tokens }
}

/** Checks the answer, `iss` included, and redeems the code. */
export async function exchange(
  { as, client, resource }: Discovered,
  { callback, verifier, state }: { callback: URL; verifier: string; state: string },
): Promise<oauth.TokenEndpointResponse> {
  const parameters = oauth.validateAuthResponse(as, client, callback, state)
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    redirectUri,
    verifier,
    { additionalParameters: { resource }, ...insecure },
  )
  return oauth.processAuthorizationCodeResponse(as, client, response)
}

/** The raw answer to a refresh. */
export function refresh({ as, client }: Discovered, refreshToken: string): Promise<Response> {
  return oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshToken, insecure)
}

export function revoke({ as, client }: Discovered, token: string): Promise<Response> {
  return oauth.revocationRequest(as, client, oauth.None(), token, insecure)
}

export function call(
  url: string,
  token: string | undefined,
  message: object = { method: 'ping' },
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
  })
}
