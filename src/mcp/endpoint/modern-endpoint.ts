import {
  createMcpHandler,
  type Implementation,
  type McpHttpHandler,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type { Logger } from '../../lib/logger.ts'
import type { Profile } from '../profile.ts'
import type { DownstreamCall } from '../relay/downstream.ts'
import { type JsonObject, metaKeys, type WireRequest } from '../wire-types.ts'
import { relayedMethods } from './methods.ts'
import type { RequestContext, RequestContexts } from './request-context.ts'

/** Serves a profile to 2026-07-28 clients: each request stands alone, there is no session. */
export type ModernEndpoint = McpHttpHandler

export function createModernEndpoint(options: {
  profile: Profile
  serverInfo: Implementation
  contexts: RequestContexts
  answer: (call: DownstreamCall) => Promise<JsonObject>
  logger: Logger
}): ModernEndpoint {
  const { profile, contexts, logger } = options
  return createMcpHandler(
    ({ requestInfo }) => {
      const { capabilities, instructions } = profile.view()
      const server = new Server(options.serverInfo, {
        capabilities,
        ...(instructions !== undefined && { instructions }),
      })
      const context = contexts.of(requestInfo)
      const method = (context?.body as { method?: string } | undefined)?.method
      // Without a handler the SDK itself refuses unknown methods, with HTTP 404 as the spec wants.
      if (context && method !== undefined && relayedMethods.has(method)) {
        // The fallback sees requests and results raw; the SDK's own handlers strip unknown fields.
        server.fallbackRequestHandler = (request, ctx) =>
          options.answer(toCall(profile, context, request as WireRequest, ctx))
      }
      return server
    },
    {
      legacy: 'reject',
      onerror: (error) => logger.debug('request refused', { reason: error.message }),
    },
  )
}

function toCall(
  profile: Profile,
  context: RequestContext,
  request: WireRequest,
  ctx: ServerContext,
): DownstreamCall {
  const envelope = (ctx.mcpReq.envelope ?? {}) as JsonObject
  const requestState = ctx.mcpReq.requestState()
  return {
    era: 'modern',
    request,
    caller: {
      profile: profile.config.name,
      origin: context.origin,
      protocolVersion: envelope[metaKeys.protocolVersion] as string | undefined,
      client: envelope[metaKeys.clientInfo] as DownstreamCall['caller']['client'],
    },
    principal: context.caller,
    capabilities: (envelope[metaKeys.clientCapabilities] ?? {}) as JsonObject,
    logLevel: envelope[metaKeys.logLevel] as string | undefined,
    signal: ctx.mcpReq.signal,
    session: undefined,
    inputResponses: ctx.mcpReq.inputResponses as Record<string, unknown> | undefined,
    requestState: typeof requestState === 'string' ? requestState : undefined,
    notify: (notification) => {
      // The client left; its call is being cancelled anyway.
      ctx.mcpReq.notify(notification as never).catch(() => {})
    },
    ask: undefined,
  }
}
