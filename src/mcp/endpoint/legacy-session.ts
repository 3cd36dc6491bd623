import { ResultSchema } from '@modelcontextprotocol/core'
import {
  type Implementation,
  Server,
  type ServerContext,
  type Transport,
} from '@modelcontextprotocol/server'
import type { Logger } from '../../lib/logger.ts'
import type { CatalogKind } from '../catalog.ts'
import { rpcCodes, rpcError } from '../mcp-error.ts'
import type { Profile } from '../profile.ts'
import type { DownstreamCall, DownstreamSession } from '../relay/downstream.ts'
import { readAsked } from '../request-reading.ts'
import type { AskOptions } from '../upstreams/link.ts'
import type { JsonObject, WireNotification, WireRequest, WireResult } from '../wire-types.ts'
import { relayedMethods } from './methods.ts'
import type { RequestContext, RequestContexts } from './request-context.ts'
import { createSessionSubscriptions } from './session-subscriptions.ts'

/** How long a person may take to answer what an upstream asks, ms. */
const askTimeoutMs = 10 * 60_000

/** One MCP session of a 2025 client, over whatever transport. */
export interface LegacySession {
  listChanged(kind: CatalogKind): void
  /** Tells the client when it follows that resource; `only` names the session that heard it. */
  resourceUpdated(notification: WireNotification, only: string | undefined): void
  /** Ends the session and what it holds upstream. Safe to call twice. */
  close(): Promise<void>
}

/** Opens a session of one endpoint on a transport, for the client that reached it. */
export type OpenSession = (
  id: string,
  transport: Transport,
  opener: Pick<RequestContext, 'origin' | 'caller'>,
  onClosed: () => void,
) => Promise<LegacySession>

/** Opens a session on a transport. The transport's end closes it. */
export async function openLegacySession(options: {
  id: string
  profile: Profile
  transport: Transport
  serverInfo: Implementation
  contexts: RequestContexts
  /** The origin the session was opened through, and who opened it. */
  origin: string
  caller: string
  answer: (call: DownstreamCall) => Promise<JsonObject>
  logger: Logger
  onClosed: () => void
}): Promise<LegacySession> {
  const { profile, logger } = options
  const { capabilities, instructions } = profile.view()
  const server = new Server(options.serverInfo, {
    capabilities,
    ...(instructions !== undefined && { instructions }),
  })
  const subscriptions = createSessionSubscriptions(async (uri) => {
    const upstream = profile.upstreamsOfUri(uri)[0]
    if (!upstream) {
      throw rpcError(rpcCodes.invalidParams, `Unknown resource: ${JSON.stringify(uri)}`)
    }
    return upstream.resources.subscribe(uri, 'legacy', session)
  })

  const session: DownstreamSession = {
    ownerId: options.id,
    get capabilities() {
      return (server.getClientCapabilities() ?? {}) as JsonObject
    },
    // Until a 2025 client sets a level the server decides what to send.
    logLevel: 'debug',
    notify(notification) {
      server.notification(notification as never).catch((error: Error) => {
        logger.debug('a client could not be notified', { reason: error.message })
      })
    },
    ask: (request, ask) =>
      server.request(request as never, ResultSchema, askOptions(ask)) as Promise<WireResult>,
  }

  // Raw requests: the SDK's own handlers would strip fields they do not know.
  server.fallbackRequestHandler = async (request, ctx) => {
    const { method, params } = request as WireRequest
    if (method === 'resources/subscribe') {
      await subscriptions.add(uriOf(method, params))
      return {}
    }
    if (method === 'resources/unsubscribe') {
      subscriptions.remove(uriOf(method, params))
      return {}
    }
    if (!relayedMethods.has(method)) throw rpcError(rpcCodes.methodNotFound, 'Method not found')
    return options.answer(toCall(request as WireRequest, ctx))
  }
  if (capabilities.logging) {
    server.setRequestHandler('logging/setLevel', async ({ params }) => {
      session.logLevel = params.level
      await Promise.all(
        profile.upstreams().map((upstream) => upstream.setLogLevel(session, params.level)),
      )
      return {}
    })
  }
  server.fallbackNotificationHandler = async (notification) => {
    await Promise.all(
      profile.upstreams().map((one) => one.notify(session, notification as WireNotification)),
    )
  }
  server.onerror = (error) => logger.debug('session error', { reason: error.message })

  function toCall(request: WireRequest, ctx: ServerContext): DownstreamCall {
    return {
      era: 'legacy',
      request: { method: request.method, params: request.params ?? {} },
      caller: {
        profile: profile.config.name,
        origin: options.contexts.of(ctx.http?.req)?.origin ?? options.origin,
        protocolVersion: server.getNegotiatedProtocolVersion(),
        client: server.getClientVersion(),
      },
      principal: options.caller,
      capabilities: session.capabilities,
      logLevel: session.logLevel,
      signal: ctx.mcpReq.signal,
      session,
      inputResponses: undefined,
      requestState: undefined,
      notify: (notification) => {
        ctx.mcpReq.notify(notification as never).catch(() => {
          // The stream of this call is gone; its result will find that out too.
        })
      },
      ask: (asked, ask) =>
        ctx.mcpReq.send(asked as never, ResultSchema, askOptions(ask)) as Promise<WireResult>,
    }
  }

  let closing: Promise<void> | undefined
  function close(): Promise<void> {
    closing ??= (async () => {
      options.onClosed()
      subscriptions.clear()
      await server.close()
      await Promise.all(profile.upstreams().map((upstream) => upstream.releaseSession(session)))
    })()
    return closing
  }
  server.onclose = () => void close()

  await server.connect(options.transport)
  return {
    listChanged: (kind) => session.notify({ method: `notifications/${kind}/list_changed` }),
    resourceUpdated(notification, only) {
      const uri = String(notification.params?.uri)
      const concerned = only === undefined || only === session.ownerId
      if (concerned && subscriptions.has(uri)) session.notify(notification)
    },
    close,
  }
}

function uriOf(method: string, params: JsonObject | undefined): string {
  const asked = readAsked(method, params)
  if (asked.kind === 'resource') return asked.uri
  throw asked.kind === 'unreadable'
    ? rpcError(asked.code, asked.problem)
    : rpcError(rpcCodes.invalidParams, 'Invalid params')
}

function askOptions({ signal, onProgress }: AskOptions) {
  return {
    signal,
    timeout: askTimeoutMs,
    resetTimeoutOnProgress: true,
    ...(onProgress && { onprogress: (progress: object) => onProgress({ ...progress }) }),
  }
}
