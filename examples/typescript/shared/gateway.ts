import { setTimeout as sleep } from 'node:timers/promises'
import { obtainAccessToken } from './access-token.ts'

/** One profile of the gateway, as the examples use it. */
export interface Gateway {
  readonly url: URL
  /**
   * What MCP clients fetch with. It brings the token; a 401 leads to one new token and one more
   * try, a 429 to a few later ones.
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /** The token itself, for services that call the gateway from elsewhere. */
  accessToken(): Promise<string | undefined>
}

const maxWaits = 3
const longestWaitSeconds = 60

/**
 * `SALLYPORT_URL` is the address of the profile. With `SALLYPORT_API_KEY` the key is sent, which only
 * the gateway can check; else an access token is obtained as soon as the gateway asks for one.
 */
export function openGateway(): Gateway {
  const url = new URL(process.env.SALLYPORT_URL ?? 'https://localhost:3443/api/mcp/default')
  if (url.protocol !== 'https:') throw new Error('SALLYPORT_URL must begin with https://')
  const apiKey = process.env.SALLYPORT_API_KEY
  let token = apiKey
  let renewal: Promise<string> | undefined

  /** Requests that are refused at the same time share one login. */
  function renew(challenge: string): Promise<string> {
    if (apiKey) throw new Error('The gateway does not accept SALLYPORT_API_KEY for this profile.')
    renewal ??= obtainAccessToken(url, challenge).finally(() => {
      renewal = undefined
    })
    return renewal
  }

  function send(init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (token) headers.set('authorization', `Bearer ${token}`)
    // A token goes to the address it was made for, and nowhere a redirect would lead.
    return fetch(url, { ...init, headers, redirect: 'error' })
  }

  async function gatewayFetch(input: string | URL | Request, init: RequestInit = {}) {
    if (String(input) !== url.href) throw new Error(`${input} is not the address of the gateway.`)
    const used = token
    let response = await send(init)
    if (response.status === 401) {
      await response.body?.cancel()
      const challenge = response.headers.get('www-authenticate') ?? ''
      // Somebody else's renewal may have ended while this request was under way.
      if (token === used) token = await renew(challenge)
      response = await send(init)
      if (response.status === 401) throw new Error('The gateway refuses the token it gave.')
    }
    for (let waits = 0; response.status === 429 && waits < maxWaits; waits += 1) {
      await response.body?.cancel()
      await sleep(secondsToWait(response) * 1000)
      response = await send(init)
    }
    if (response.status === 429) throw new Error('The gateway is still busy.')
    return response
  }

  return {
    url,
    fetch: gatewayFetch,
    async accessToken() {
      const response = await gatewayFetch(url, { method: 'POST' })
      await response.body?.cancel()
      return token
    },
  }
}

function secondsToWait(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? 1)
  if (seconds <= longestWaitSeconds) return Math.max(seconds, 0)
  throw new Error(`The gateway is busy; come back in ${response.headers.get('retry-after')} s.`)
}

/** Services that call the gateway themselves cannot reach an address of this machine or network. */
export function requirePublic({ url }: Gateway, service: string): void {
  const local =
    /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[)|\.local$/
  if (!local.test(url.hostname)) return
  throw new Error(
    `${service} cannot reach ${url.host}: start \`pnpm dev:https\` with a tunnel and set SALLYPORT_URL.`,
  )
}
