import { lookup as systemLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import { messageOf, UserError } from '../errors.ts'
import { type AddressZone, zoneOfAddress, zoneOfHost } from './hosts.ts'
import { quoted } from './printable.ts'
import type { UpstreamConnections } from './upstream-connections.ts'

const maxRedirects = 3
/** Longest time to establish a connection, ms. */
const connectMs = 10_000
/** No metadata document, registration or token answer comes near this, bytes. */
const maxBytes = 256 * 1024

/** What may be contacted for the sake of one server. */
export interface AddressGuard {
  /** The server as the user configured it: its own origin may be at any address. */
  readonly serverUrl: string
  readonly zones: ReadonlySet<AddressZone>
  /** What a refusal says besides: who named the address, and what to do about it. */
  readonly named: string
  readonly hint?: string
}

export type ResolveAddresses = (
  hostname: string,
) => Promise<readonly { address: string; family: number }[]>

interface GuardedFetchOptions extends AddressGuard {
  /** How connections on behalf of a server are opened; without it, as Node does by itself. */
  readonly via?: { readonly server: string; readonly connections: UpstreamConnections }
  /** For the whole request with its redirects, ms. */
  readonly timeoutMs: number
  readonly resolve?: ResolveAddresses
}

/** The part of `fetch` that discovery and oauth4webapi use; only answers within bounds come back. */
export type GuardedFetch = (url: string | URL, init?: GuardedInit) => Promise<Response>

interface GuardedInit {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: URLSearchParams | string | undefined | null
  /** Whether redirects are followed, each checked like the first address. Never with a body. */
  readonly follow?: boolean
}

/** Why there is no answer, in words for a person; whoever fetches knows what to do about it. */
export class GuardedFetchError extends UserError {
  readonly failure: 'address-refused' | 'unreachable' | 'answer-invalid'

  constructor(
    failure: GuardedFetchError['failure'],
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    const { hint, cause } = options
    super('UPSTREAM_UNAVAILABLE', message, { cause, ...(hint !== undefined && { hint }) })
    this.failure = failure
  }
}

/**
 * Creates the only way in which OAuth talks to addresses that a stranger names: https unless
 * loopback, no address outside of `zones`, checked on the address that is connected to (so that DNS
 * cannot change its answer in between), bounded in size and time.
 * The returned function throws GuardedFetchError.
 */
export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  return async (url, init = {}) => {
    const signal = AbortSignal.timeout(options.timeoutMs)
    let target = new URL(url)
    for (let redirects = 0; ; redirects += 1) {
      const response = await requestOnce(target, { init, signal, options })
      const location = init.follow === true ? redirectOf(response) : undefined
      if (location === undefined) return response
      if (redirects === maxRedirects) throw refusedAddress(target, 'redirects too often', options)
      target = new URL(location, target)
    }
  }
}

/** Checks what the address says by itself; the resolver's answer is checked when connecting. */
export function requireAllowedUrl(url: URL, guard: AddressGuard): void {
  const { serverUrl, zones } = guard
  const zone = zoneOfHost(url.hostname)
  const isPlainLoopback = url.protocol === 'http:' && zone === 'loopback'
  if (url.protocol !== 'https:' && !isPlainLoopback)
    throw refusedAddress(url, 'is not https', guard)
  if (url.username || url.password) throw refusedAddress(url, 'holds a user name', guard)
  if (zone === undefined || zones.has(zone) || url.origin === new URL(serverUrl).origin) return
  throw refusedAddress(url, `is a ${zone} address`, guard)
}

async function requestOnce(
  url: URL,
  context: { init: GuardedInit; signal: AbortSignal; options: GuardedFetchOptions },
): Promise<Response> {
  const { init, signal, options } = context
  requireAllowedUrl(url, options)
  const dispatcher = new Agent({ connect: connectorFor(url, options) })
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher,
      signal,
      method: (init.method ?? 'GET') as 'GET',
      // Unpacking would let a small answer become a large one.
      headers: { ...init.headers, 'accept-encoding': 'identity' },
      body: init.body?.toString() ?? null,
    })
    const bytes = await readBounded(body, url)
    const hasBody = ![204, 205, 304].includes(statusCode)
    return new Response(hasBody ? bytes : null, { status: statusCode, headers: pairsOf(headers) })
  } catch (error) {
    if (error instanceof GuardedFetchError) throw error
    if (signal.aborted) throw unreachable(url, `no answer in ${options.timeoutMs} ms`, error)
    const { via } = options
    const failure = via ? via.connections.explain(via.server, error, url) : error
    if (!(failure instanceof UserError)) throw unreachable(url, messageOf(error), error)
    const { message, hint } = failure
    throw new GuardedFetchError('unreachable', message, { hint, cause: error })
  } finally {
    await dispatcher.destroy()
  }
}

function connectorFor(url: URL, options: GuardedFetchOptions): buildConnector.connector {
  const isOwn = url.origin === new URL(options.serverUrl).origin
  const lookup = guardedLookup(isOwn ? undefined : options.zones, options)
  const { via } = options
  return via
    ? via.connections.connector(via.server, { timeoutMs: connectMs, lookup })
    : buildConnector({ timeout: connectMs, lookup })
}

/**
 * A lookup for sockets that fails for a name with an address elsewhere. What it checks is what is
 * connected to, so DNS cannot change its answer in between.
 */
function guardedLookup(
  zones: ReadonlySet<AddressZone> | undefined,
  guard: AddressGuard & { readonly resolve?: ResolveAddresses },
): LookupFunction {
  const { resolve = (name) => systemLookup(name, { all: true }) } = guard
  return (hostname, { all }, callback) => {
    resolve(hostname)
      .then((addresses) => {
        const bad = addresses.find(({ address }) => zones && !zones.has(zoneOfAddress(address)))
        if (bad) {
          const where = `leads to the ${zoneOfAddress(bad.address)} address ${bad.address}`
          throw refusedAddress(new URL(`https://${hostname}`), where, guard)
        }
        const [first] = addresses
        if (!first) throw new Error(`no address found for ${hostname}`)
        if (all) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      })
      .catch((error: Error) => callback(error, ''))
  }
}

async function readBounded(
  body: AsyncIterable<Uint8Array>,
  url: URL,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) {
      const message = `The answer of ${url.origin} is larger than ${maxBytes / 1024} KiB and was not read.`
      throw new GuardedFetchError('answer-invalid', message)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function pairsOf(headers: Record<string, string | string[] | undefined>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  )
}

function redirectOf(response: Response): string | undefined {
  const isRedirect = [301, 302, 303, 307, 308].includes(response.status)
  return isRedirect ? (response.headers.get('location') ?? undefined) : undefined
}

function refusedAddress(url: URL, reason: string, { named, hint }: AddressGuard) {
  const message = `Did not contact ${quoted(url.href)}, which ${named}: the address ${reason}.`
  return new GuardedFetchError('address-refused', message, { hint })
}

function unreachable(url: URL, reason: string, cause: unknown): GuardedFetchError {
  return new GuardedFetchError('unreachable', `${url.origin} cannot be reached: ${reason}.`, {
    hint: 'Check that the address is right and that this machine can reach it, then try again.',
    cause,
  })
}
