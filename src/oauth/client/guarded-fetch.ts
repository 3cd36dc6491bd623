import { lookup as systemLookup } from 'node:dns/promises'
import type { buildConnector as Connecting } from 'undici'
import { messageOf, UserError } from '../../errors.ts'
import { Agent, buildConnector, request } from '../../lib/undici.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import {
  type AddressGuard,
  guardedLookup,
  type ResolveAddresses,
  refusedAddress,
  requireAllowedUrl,
} from './address-guard.ts'
import { readResponse } from './bounded-response.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'

const maxRedirects = 3
/** Longest time to establish a connection, ms. */
const connectMs = 10_000

export interface GuardedFetchOptions extends AddressGuard {
  /** How connections on behalf of a server are opened; without it, as Node does by itself. */
  readonly via?: { readonly server: string; readonly connections: UpstreamConnections }
  /** For the whole request with its redirects, ms. */
  readonly timeoutMs: number
  readonly resolve?: ResolveAddresses
}

/** The part of `fetch` that discovery and oauth4webapi use; only answers within bounds come back. */
export type GuardedFetch = (url: string | URL, init?: GuardedInit) => Promise<Response>

export interface GuardedInit {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: URLSearchParams | string | undefined | null
  /** Whether redirects are followed, each checked like the first address. Never with a body. */
  readonly follow?: boolean
}

/**
 * Creates the only way in which the OAuth client talks to addresses that a stranger's metadata
 * names: https unless loopback, no address further in than `reach`, checked on the address that is
 * connected to (so that DNS cannot change its answer in between), bounded in size and time.
 * The returned function throws UpstreamAuthError address-refused, unreachable or answer-invalid.
 */
export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const resolve = options.resolve ?? ((name) => systemLookup(name, { all: true }))
  return async (url, init = {}) => {
    const signal = AbortSignal.timeout(options.timeoutMs)
    let target = new URL(url)
    for (let redirects = 0; ; redirects += 1) {
      const response = await requestOnce(target, { init, signal, resolve, options })
      const location = init.follow === true ? redirectOf(response) : undefined
      if (location === undefined) return response
      if (redirects === maxRedirects) throw refusedAddress(target, 'redirects too often')
      target = new URL(location, target)
    }
  }
}

async function requestOnce(
  url: URL,
  context: {
    init: GuardedInit
    signal: AbortSignal
    resolve: ResolveAddresses
    options: GuardedFetchOptions
  },
): Promise<Response> {
  const { init, signal, options } = context
  requireAllowedUrl(url, options)
  const dispatcher = new Agent({ connect: connectorFor(url, context) })
  try {
    const answer = await request(url, {
      dispatcher,
      signal,
      method: (init.method ?? 'GET') as 'GET',
      // Unpacking would let a small answer become a large one.
      headers: { ...init.headers, 'accept-encoding': 'identity' },
      body: init.body === undefined || init.body === null ? null : init.body.toString(),
    })
    return await readResponse(answer, url)
  } catch (error) {
    if (error instanceof UpstreamAuthError) throw error
    if (signal.aborted) throw unreachable(url, `no answer in ${options.timeoutMs} ms`, error)
    const { via } = options
    const failure = via ? via.connections.explain(via.server, error, url) : error
    if (failure instanceof UserError) {
      const { hint } = failure
      throw new UpstreamAuthError('unreachable', failure.message, {
        ...(hint !== undefined && { hint }),
        cause: error,
      })
    }
    throw unreachable(url, messageOf(error), error)
  } finally {
    await dispatcher.destroy()
  }
}

function connectorFor(
  url: URL,
  { resolve, options }: { resolve: ResolveAddresses; options: GuardedFetchOptions },
): Connecting.connector {
  const isOwn = url.origin === new URL(options.serverUrl).origin
  const lookup = guardedLookup(resolve, isOwn ? undefined : options.reach)
  const { via } = options
  return via
    ? via.connections.connector(via.server, { timeoutMs: connectMs, lookup })
    : buildConnector({ timeout: connectMs, lookup })
}

function unreachable(url: URL, reason: string, cause: unknown): UpstreamAuthError {
  return new UpstreamAuthError('unreachable', `${url.origin} cannot be reached: ${reason}.`, {
    hint: 'Check that the address is right and that this machine can reach it, then try again.',
    cause,
  })
}

function redirectOf(response: Response): string | undefined {
  const isRedirect = [301, 302, 303, 307, 308].includes(response.status)
  return isRedirect ? (response.headers.get('location') ?? undefined) : undefined
}
