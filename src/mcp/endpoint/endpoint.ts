import { type Implementation, isLegacyRequest, type Transport } from '@modelcontextprotocol/server'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { CatalogKind } from '../catalog.ts'
import { createFastEndpoint } from '../fast-path/fast-endpoint.ts'
import type { FastPath } from '../fast-path/fast-path.ts'
import { isRpcError, rpcCodes, rpcError } from '../mcp-error.ts'
import type { Profile } from '../profile.ts'
import type { DownstreamCall } from '../relay/downstream.ts'
import { paramHeaderProblem } from '../relay/param-headers.ts'
import { readAsked } from '../request-reading.ts'
import type { JsonObject, WireNotification, WireResult } from '../wire-types.ts'
import { type LegacySession, openLegacySession } from './legacy-session.ts'
import { createModernEndpoint } from './modern-endpoint.ts'
import { createRequestContexts, type RequestContext } from './request-context.ts'
import { createSseSessions, type SseSessions } from './sse-sessions.ts'
import { createStreamableSessions } from './streamable-sessions.ts'

/** The protected resource behind `/api/mcp/:profile`: one URL for every protocol revision. */
export interface Endpoint {
  readonly profile: Profile
  /** Answers a streamable HTTP request of either era. */
  handle(request: Request, context: RequestContext): Promise<Response>
  readonly sse: Omit<SseSessions, 'close'>
  listChanged(kinds: ReadonlySet<CatalogKind>): void
  resourceUpdated(notification: WireNotification, onlySession: string | undefined): void
  /** Ends every session and stream. */
  close(): Promise<void>
}

export function createEndpoint(options: {
  profile: Profile
  version: string
  now: () => number
  fastPath: FastPath
  logger: Logger
}): Endpoint {
  const { profile, fastPath, logger } = options
  const contexts = createRequestContexts()
  const sessions = new Set<LegacySession>()
  const serverInfo: Implementation = {
    name: 'sallyport',
    title: `Sallyport: ${profile.config.name}`,
    version: options.version,
  }

  async function answer(call: DownstreamCall): Promise<WireResult> {
    try {
      return await profile.handle(call)
    } catch (error) {
      if (isRpcError(error)) throw error
      logger.error('a request failed inside the gateway', { error: messageOf(error) })
      throw rpcError(rpcCodes.internalError, 'Internal error')
    }
  }

  async function openSession(
    id: string,
    transport: Transport,
    { origin, caller }: Pick<RequestContext, 'origin' | 'caller'>,
    onClosed: () => void,
  ): Promise<LegacySession> {
    const session: LegacySession = await openLegacySession({
      id,
      profile,
      transport,
      serverInfo,
      contexts,
      origin,
      caller,
      answer,
      logger,
      onClosed() {
        sessions.delete(session)
        onClosed()
      },
    })
    sessions.add(session)
    return session
  }

  const modern = createModernEndpoint({ profile, serverInfo, contexts, answer, logger })
  const fast = fastPath.isOn
    ? createFastEndpoint({
        profile,
        serverInfo,
        answer,
        onTaken: () => fastPath.onTaken?.('client'),
      })
    : undefined
  const streamable = createStreamableSessions({ open: openSession, now: options.now })
  const sse = createSseSessions({ open: openSession })

  /** A 2026-07-28 client follows resources for as long as its `subscriptions/listen` stream is open. */
  async function followListened(request: Request, body: unknown): Promise<void> {
    const { method = '', params } = (body ?? {}) as { method?: string; params?: JsonObject }
    const asked = readAsked(method, params)
    if (asked.kind !== 'resources') return
    for (const uri of asked.uris) {
      const upstream = profile.upstreamsOfUri(uri)[0]
      const stop = await upstream?.resources.subscribe(uri, 'modern', undefined).catch((error) => {
        // The stream is still good for whatever else it asks for.
        logger.debug('cannot follow a resource', { uri, reason: messageOf(error) })
      })
      if (!stop) continue
      if (request.signal.aborted) stop()
      else request.signal.addEventListener('abort', stop, { once: true })
    }
  }

  return {
    profile,
    async handle(request, context) {
      const answered = fast?.handle(request, context)
      if (answered) return answered
      contexts.remember(request, context)
      if (await isLegacyRequest(request, context.body)) return streamable.handle(request, context)
      const refusal = refuseMismatch(profile, request, context.body)
      if (refusal) return refusal
      await followListened(request, context.body)
      return modern.fetch(request, { parsedBody: context.body })
    },
    sse,
    listChanged(kinds) {
      if (kinds.has('tools')) modern.notify.toolsChanged()
      if (kinds.has('prompts')) modern.notify.promptsChanged()
      if (kinds.has('resources')) modern.notify.resourcesChanged()
      for (const session of sessions) for (const kind of kinds) session.listChanged(kind)
    },
    resourceUpdated(notification, onlySession) {
      modern.bus.publish({
        kind: 'resource_updated',
        uri: String(notification.params?.uri),
        params: notification.params as never,
      })
      for (const session of sessions) session.resourceUpdated(notification, onlySession)
    },
    async close() {
      fast?.close()
      await Promise.all([modern.close(), streamable.close(), sse.close()])
    },
  }
}

/** SEP-2243: a `tools/call` whose `Mcp-Param-*` headers contradict its arguments is refused. */
function refuseMismatch(profile: Profile, request: Request, body: unknown): Response | undefined {
  const {
    method = '',
    id,
    params,
  } = (body ?? {}) as {
    method?: string
    id?: unknown
    params?: JsonObject
  }
  const asked = readAsked(method, params)
  if (asked.kind !== 'tool') return undefined
  const tool = profile.view().toolOrigins.get(asked.name)?.item
  const problem = paramHeaderProblem(tool, params?.arguments, request.headers)
  if (problem === undefined) return undefined
  const options = { code: rpcCodes.headerMismatch, id }
  return rpcErrorResponse(400, `Bad Request: ${problem}`, options)
}
