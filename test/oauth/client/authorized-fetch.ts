import { parseChallenge } from '../../../src/oauth/client/challenge.ts'
import type { OAuthClientRole } from '../../../src/oauth/client/oauth-client.ts'
import { LoginNeededError } from '../../../src/oauth/client/upstream-auth-error.ts'

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** How often one request is repeated for another token after a 401, and after a 403. */
const maxRepeats = { unauthorized: 1, insufficientScope: 2 }

/**
 * The OAuth client behind a `fetch`, for SDK clients of the tests: what the gateway's own transports do
 * (`mcp/upstreams/http.ts`), in the shape that an SDK takes.
 */
export function createAuthorizedFetch<F extends Fetch>(
  fetch: F,
  server: { name: string; url: string },
  authorizer: OAuthClientRole,
): Fetch {
  const { origin } = new URL(server.url)
  return async (url, init = {}) => {
    if (new URL(url).origin !== origin) return fetch(url, init)
    const left = { ...maxRepeats }
    for (;;) {
      const accessToken = await authorizer.accessToken(server.name)
      const response = await fetch(url, withToken(init, accessToken))
      const kind = kindOf(response)
      // A body that was streamed is spent.
      if (kind === undefined || left[kind] === 0 || init.body instanceof ReadableStream) {
        return response
      }
      left[kind] -= 1
      const refusal = { wwwAuthenticate: challengeOf(response), accessToken }
      await response.body?.cancel()
      const verdict =
        kind === 'unauthorized'
          ? await authorizer.onUnauthorized(server.name, refusal)
          : await authorizer.onInsufficientScope(server.name, refusal)
      if (verdict === 'login-needed') {
        throw new LoginNeededError(server.name, authorizer.loginUrl(server.name))
      }
    }
  }
}

function kindOf(response: Response): keyof typeof maxRepeats | undefined {
  if (response.status === 401) return 'unauthorized'
  if (response.status !== 403) return undefined
  return parseChallenge(challengeOf(response)).error === 'insufficient_scope'
    ? 'insufficientScope'
    : undefined
}

function challengeOf(response: Response): string | undefined {
  return response.headers.get('www-authenticate') ?? undefined
}

function withToken(init: RequestInit, accessToken: string | undefined): RequestInit {
  if (accessToken === undefined) return init
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${accessToken}`)
  return { ...init, headers }
}

/** The login an error asks for, however deep an SDK has wrapped it; undefined when it asks for none. */
export function loginNeededOf(error: unknown): LoginNeededError | undefined {
  let current = error
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    if (current instanceof LoginNeededError) return current
    current = current.cause
  }
  return undefined
}
