import {
  Client,
  type ClientCapabilities,
  type Implementation,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client'
import { ResultSchema } from '@modelcontextprotocol/core'
import type { HttpServerConfig, ServerConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { ProcessReaper } from '../../lib/process-reaper.ts'
import type { UpstreamConnections } from '../../lib/upstream-connections.ts'
import type { FastPath } from '../fast-path/fast-path.ts'
import { createWayAround, type WayAround } from '../fast-path/way-around.ts'
import type { Era, JsonObject, WireNotification, WireRequest, WireResult } from '../wire-types.ts'
import { failureReason } from './failure-reason.ts'
import { deliverInOrder } from './inbox.ts'
import { createStdioTransport } from './stdio-transport.ts'
import type { UpstreamAuth } from './upstream-auth.ts'
import { createUpstreamFetch } from './upstream-fetch.ts'

/** How long `server/discover` may go unanswered before a stdio server is taken for a legacy one, ms. */
const probeMs = 3_000

/** One open connection to an upstream, of either era. Raw: nothing is validated or stripped. */
export interface UpstreamConnection {
  readonly era: Era
  readonly capabilities: JsonObject
  readonly instructions: string | undefined
  readonly serverInfo: JsonObject | undefined
  request(request: WireRequest, options: UpstreamRequestOptions): Promise<WireResult>
  notify(notification: WireNotification): Promise<void>
  /** Opens a 2026-07-28 `subscriptions/listen` stream; its notifications arrive as any other. */
  listen(filter: JsonObject): Promise<{ closed: Promise<unknown>; close(): Promise<void> }>
  /** Resolves with the reason once the connection is gone. Never rejects. */
  readonly closed: Promise<string>
  readonly isClosed: boolean
  /** Ends a connection that proved unusable, giving `closed` the reason. */
  abandon(reason: string): Promise<void>
  close(): Promise<void>
}

export interface UpstreamRequestOptions {
  signal?: AbortSignal
  timeoutMs: number
  headers?: Record<string, string>
  /** Also keeps the request alive: progress restarts its timeout. */
  onProgress?: (progress: JsonObject) => void
  /** What the upstream says on the answer to this very request, where that can be told. */
  onNotification?: (notification: WireNotification) => void
}

export interface ConnectOptions {
  config: ServerConfig
  /** `auto` asks for the newest era the upstream speaks. */
  era: 'auto' | 'legacy'
  clientInfo: Implementation
  capabilities: JsonObject
  /** A request of the upstream's own: sampling, elicitation, roots (2025 revisions). */
  onRequest: (request: WireRequest, signal: AbortSignal) => Promise<WireResult>
  onNotification: (notification: WireNotification) => void
  /** Longest time for the whole handshake, ms. */
  timeoutMs: number
  signal: AbortSignal
  reaper: ProcessReaper
  auth: UpstreamAuth
  connections: UpstreamConnections
  fastPath: FastPath
  logger: Logger
}

/**
 * Connects to an upstream. A rejected or aborted connect leaves no process and no socket.
 * @throws Error whose message is a sentence fragment about the upstream
 */
export async function connectUpstream(options: ConnectOptions): Promise<UpstreamConnection> {
  const { transport, reasonOf, release, around } = createTransport(options)
  const client = new Client(options.clientInfo, {
    capabilities: options.capabilities as ClientCapabilities,
    versionNegotiation: { mode: 'auto', probe: { timeoutMs: probeMs } },
    inputRequired: { autoFulfill: false },
  })
  // The fallbacks see messages as they came; the SDK's own handlers would parse and strip them.
  client.fallbackRequestHandler = (request, ctx) =>
    options.onRequest(toRequest(request), ctx.mcpReq.signal)
  client.fallbackNotificationHandler = async (notification) =>
    options.onNotification(notification as WireNotification)
  client.onerror = (error) => options.logger.debug('connection error', { message: error.message })

  let isClosed = false
  let abandonedFor: string | undefined
  const closed = new Promise<string>((resolve) => {
    client.onclose = () => {
      isClosed = true
      resolve(abandonedFor ?? reasonOf() ?? 'the connection was closed')
    }
  })
  const close = async () => {
    await client.close().catch(() => {
      // Closing is best effort; the transport below is released either way.
    })
    // Before a handshake the client does not own its transport yet.
    await transport.close().catch(() => {})
    await release()
  }

  // The SDK's question for the era does not listen to the signal; a transport that is gone ends it.
  const onAbort = () => void close()
  options.signal.addEventListener('abort', onAbort, { once: true })
  try {
    await client.connect(transport, {
      timeout: options.timeoutMs,
      signal: options.signal,
      ...(options.era === 'legacy' && { prior: { kind: 'legacy' as const } }),
    })
  } catch (error) {
    // Read before closing: our own close is a reason too, and not the one to report.
    const reason = reasonOf()
    await close()
    throw reason === undefined ? error : new Error(reason, { cause: error })
  } finally {
    options.signal.removeEventListener('abort', onAbort)
  }

  const requestBySdk: UpstreamConnection['request'] = (
    request,
    { signal, timeoutMs, headers, onProgress },
  ) =>
    client.request(request, ResultSchema, {
      timeout: timeoutMs,
      resetTimeoutOnProgress: true,
      allowInputRequired: true,
      ...(signal && { signal }),
      ...(headers && { headers }),
      ...(onProgress && { onprogress: (progress) => onProgress({ ...progress }) }),
    }) as Promise<WireResult>
  const isModern = client.getProtocolEra() === 'modern'
  const version = client.getNegotiatedProtocolVersion() ?? ''

  return {
    era: isModern ? 'modern' : 'legacy',
    capabilities: (client.getServerCapabilities() ?? {}) as JsonObject,
    instructions: client.getInstructions(),
    serverInfo: client.getServerVersion() as JsonObject | undefined,
    request: isModern && around ? around(requestBySdk, version) : requestBySdk,
    notify: (notification) => client.notification(notification),
    listen: (filter) => client.listen(filter),
    closed,
    get isClosed() {
      return isClosed
    },
    abandon(reason) {
      abandonedFor = reason
      return close()
    },
    close,
  }
}

function toRequest(request: { method: string; params?: unknown }): WireRequest {
  const params = request.params as JsonObject | undefined
  return { method: request.method, ...(params && { params }) }
}

interface OpenTransport {
  transport: Transport
  /** Why the transport ended, where it knows better than the SDK. */
  reasonOf: () => string | undefined
  release: () => Promise<void>
  /** Where the SDK need not be asked for everything. */
  around: WayAround['open'] | undefined
}

function createTransport(options: ConnectOptions): OpenTransport {
  const { config, reaper, logger } = options
  if (config.type === 'stdio') {
    const transport = createStdioTransport({ config, reaper, logger })
    return { transport, reasonOf: transport.exitReason, release: async () => {}, around: undefined }
  }
  return createHttpTransport(config, options)
}

function createHttpTransport(config: HttpServerConfig, options: ConnectOptions): OpenTransport {
  const { auth, connections, fastPath, clientInfo, capabilities } = options
  const url = new URL(config.url)
  const upstreamFetch = createUpstreamFetch(config, connections)
  const around = createWayAround({
    config,
    dispatcher: upstreamFetch.dispatcher,
    clientInfo,
    capabilities,
    accessToken: () => auth.accessToken(config),
    explain: (error) => connections.explain(config.name, error, url),
    onTaken: () => fastPath.onTaken?.('upstream'),
  })
  const { fetch, failure } = rememberFailure(auth.authorize(config, around.wrap(upstreamFetch)))
  const transport =
    config.type === 'sse'
      ? new SSEClientTransport(url, { fetch })
      : new StreamableHTTPClientTransport(url, { fetch })
  deliverInOrder(transport)
  return {
    transport,
    reasonOf: failure,
    release: () => upstreamFetch.close(),
    around: fastPath.isOn && config.type === 'http' ? around.open : undefined,
  }
}

type Fetch = ReturnType<UpstreamAuth['authorize']>

/** Keeps why the last request failed: the SSE client passes on the text of an error alone. */
function rememberFailure(fetch: Fetch): { fetch: Fetch; failure: () => string | undefined } {
  let failure: string | undefined
  return {
    failure: () => failure,
    async fetch(url, init) {
      try {
        const response = await fetch(url, init)
        failure = undefined
        return response
      } catch (error) {
        failure = error instanceof UserError ? failureReason(error) : undefined
        throw error
      }
    },
  }
}
