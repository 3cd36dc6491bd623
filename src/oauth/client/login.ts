import {
  type AuthorizationServer,
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  validateAuthResponse,
} from 'oauth4webapi'
import { quoted } from '../../lib/printable.ts'
import { type LoginChallenge, selectScopes } from './challenge.ts'
import { grantOf, type HeldGrants } from './held-grants.ts'
import {
  type ClientUrls,
  guardOf,
  type IssuerAccess,
  requireUsableIssuer,
} from './issuer-access.ts'
import type { LoginAttempts } from './login-attempts.ts'
import {
  connectedPage,
  errorAnswer,
  failedPage,
  loginRefusal,
  type PageAnswer,
} from './login-page.ts'
import { requestTokens } from './token-endpoint.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { ClientIdentity, ProtectedUpstream, UpstreamGrants } from './upstream-grants.ts'

/** A login under way: all that the answer is judged by, recorded before the browser leaves. */
export interface Login {
  readonly upstream: ProtectedUpstream
  readonly issuer: AuthorizationServer
  readonly client: ClientIdentity
  readonly resource: string
  readonly scopes: readonly string[]
  readonly codeVerifier: string
}

interface UpstreamLoginOptions {
  readonly grants: UpstreamGrants
  readonly held: HeldGrants
  readonly access: IssuerAccess
  readonly attempts: LoginAttempts<Login>
  readonly urls: () => ClientUrls
  readonly now: () => number
}

interface SentOff {
  readonly status: 302
  readonly location: string
  readonly setCookie: string
}

export type LoginStart = SentOff | PageAnswer

export interface CallbackRequest {
  /** The whole address that was called, as one of our origins knows it. */
  readonly url: string
  readonly cookie: string | undefined
}

/** `upstream` only once it is connected. */
type FinishedLogin = PageAnswer & { readonly upstream?: ProtectedUpstream }

/** The browser's way through an authorization server and back; knows no web framework. */
export function createUpstreamLogin(options: UpstreamLoginOptions) {
  const { access, held, attempts } = options
  /** Registrations that a browser was sent off with and has not come back from. */
  const unanswered = new Set<string>()

  return {
    /** Discovers and registers, then sends the browser off. @throws UpstreamAuthError */
    async begin(upstream: ProtectedUpstream, challenge: LoginChallenge): Promise<SentOff> {
      const urls = options.urls()
      const resource = await access.resource(upstream, challenge.resourceMetadata)
      const issuer = await access.issuer(upstream, resource)
      requireUsableIssuer(issuer, guardOf(upstream))
      // An issuer that forgot us shows its own error and sends nobody back: register anew then.
      const known = await options.grants.client(issuer.issuer, urls.redirectUri)
      if (known && unanswered.has(known.clientId)) await options.grants.deleteClient(known)
      const client = await access.client(upstream, issuer, urls)
      const scopes = selectScopes({
        configured: upstream.auth.scopes,
        challenged: challenge.scopes,
        listed: resource.scopes,
        steppedUp: challenge.steppedUp,
        issuerKnows: issuer.scopes_supported,
        mayRefresh: true,
      })
      const codeVerifier = generateRandomCodeVerifier()
      const login = { upstream, issuer, client, resource: resource.resource, scopes, codeVerifier }
      const { state, setCookie } = attempts.begin(login, client.redirectUri)
      if (client.kind === 'dynamic') unanswered.add(client.clientId)
      return { status: 302, location: await authorizationUrl(login, state), setCookie }
    },
    /** Judges what came back and stores the tokens. Never redirects. */
    async finish({ url, cookie }: CallbackRequest): Promise<FinishedLogin> {
      const address = new URL(url)
      const states = address.searchParams.getAll('state')
      const taken = attempts.take(states[0] ?? '', cookie)
      if (!taken.ok) return failedPage(loginRefusal(taken.reason))
      const { attempt: login, clearCookie } = taken
      const { upstream } = login
      unanswered.delete(login.client.clientId)
      try {
        await held.replace(upstream, await exchange(login, address))
        return { ...connectedPage(upstream.name, clearCookie), upstream }
      } catch (error) {
        return failedPage(error, { server: upstream.name, setCookie: clearCookie })
      }
    },
  }

  async function exchange(login: Login, address: URL) {
    const { upstream, issuer, client, resource, scopes } = login
    const fetch = access.fetchFor(upstream)
    const request = { fetch, issuer, client, privateKey: upstream.auth.privateKey, resource }
    const answer = await requestTokens(request, 'authorization_code', {
      code: requireGoodAnswer(login, address).get('code') ?? '',
      redirect_uri: client.redirectUri,
      code_verifier: login.codeVerifier,
    })
    if (answer.ok) {
      return grantOf(answer, { resource, client, requestedScopes: scopes, now: options.now() })
    }
    if (answer.error === 'invalid_client' && client.kind === 'dynamic') {
      await options.grants.deleteClient(client)
    }
    throw codeRefused(answer)
  }
}

/** Where to send the browser (RFC 6749 4.1.1, RFC 7636 4.3, RFC 8707 2.1). */
async function authorizationUrl(login: Login, state: string): Promise<string> {
  const { client, scopes, resource } = login
  // Checked by requireUsableIssuer; parameters of its own are kept (RFC 6749 3.1).
  const url = new URL(login.issuer.authorization_endpoint ?? '')
  const parameters = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    state,
    code_challenge: await calculatePKCECodeChallenge(login.codeVerifier),
    code_challenge_method: 'S256',
    resource,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    // OpenID Connect Core 11: without it, offline_access is ignored.
    ...(scopes.includes('offline_access') && { prompt: 'consent' }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/**
 * Checks the answer before its code leaves this process: the address it came to, and its issuer
 * (RFC 9207 2.4) against the one recorded. Its `state` found the login.
 * @throws UpstreamAuthError issuer-mismatch, answer-invalid or denied
 */
function requireGoodAnswer(login: Login, address: URL): URLSearchParams {
  const { issuer, client } = login
  const { searchParams } = address
  if (`${address.origin}${address.pathname}` !== client.redirectUri) {
    throw invalidAnswer('It came to another address than the one that was registered.')
  }
  // RFC 6749 3.1: no parameter is said twice, or we and another reader may each take one.
  const isRepeated = [...searchParams.keys()].some((name) => searchParams.getAll(name).length > 1)
  if (isRepeated) throw invalidAnswer('It says something twice.')
  const iss = searchParams.get('iss')
  const isMissing = iss === null && issuer.authorization_response_iss_parameter_supported === true
  if (isMissing || (iss !== null && iss !== issuer.issuer)) {
    const named = isMissing ? 'no issuer' : `the issuer ${quoted(iss)}`
    throw new UpstreamAuthError(
      'issuer-mismatch',
      `The answer names ${named} instead of ${quoted(issuer.issuer)}, where this login was begun. Its code was not used.`,
      { hint: 'Do not try again unless you trust that server: somebody may be mixing up logins.' },
    )
  }
  if (!searchParams.has('code') && !searchParams.has('error')) {
    throw invalidAnswer('It holds no code.')
  }
  try {
    return validateAuthResponse(
      issuer,
      { client_id: client.clientId },
      searchParams,
      searchParams.get('state') ?? '',
    )
  } catch (error) {
    const name = searchParams.get('error')
    if (name !== null) throw errorAnswer(name, searchParams.get('error_description'))
    throw invalidAnswer('It breaks RFC 6749.', error)
  }
}

function invalidAnswer(reason: string, cause?: unknown): UpstreamAuthError {
  const message = `The answer of the authorization server cannot be used. ${reason}`
  return new UpstreamAuthError('answer-invalid', message, { hint: 'Begin again.', cause })
}

function codeRefused(answer: { error: string; description: string | undefined }) {
  const reason = quoted(answer.description ?? answer.error)
  return new UpstreamAuthError(
    answer.error === 'invalid_client' ? 'client-refused' : 'code-refused',
    `The authorization server let you in but gave the gateway no token: ${reason}.`,
    {
      hint: 'Begin again. If it stays, check "clientId" and "clientSecret" in the server\'s "auth" in the configuration file.',
    },
  )
}
