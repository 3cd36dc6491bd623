import { SdkError, SdkHttpError } from '@modelcontextprotocol/client'
import { isRequestTimeout, isRpcError, rpcCodes, rpcError, upstreamFailure } from '../mcp-error.ts'
import { failureReason } from '../upstreams/failure-reason.ts'
import { type MessageOwner, progressTokenOf, type UpstreamLink } from '../upstreams/link.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import {
  callerMetaKey,
  type JsonObject,
  metaKeys,
  type WireRequest,
  type WireResult,
  type WireTool,
} from '../wire-types.ts'
import type { DownstreamCall } from './downstream.ts'
import { paramHeaders } from './param-headers.ts'

/** One request on its way to one upstream, already under the upstream's own names. */
export interface Outgoing {
  readonly upstream: Upstream
  readonly request: WireRequest
  /** The tool's definition when it is a `tools/call`. */
  readonly tool?: WireTool | undefined
}

/**
 * Sends a call over a link and returns the upstream's raw result. Progress reaches the client under
 * its own token; the upstream's name never replaces ours in the result.
 * @throws Error as a JSON-RPC error: the upstream's own, or one that says why there is none
 */
export async function send(
  link: UpstreamLink,
  outgoing: Outgoing,
  call: DownstreamCall,
  options: { owner: MessageOwner; signal: AbortSignal; extra?: JsonObject },
): Promise<WireResult> {
  const { upstream } = outgoing
  const params = { ...upstreamParams(link, outgoing, call), ...options.extra }
  const token = progressTokenOf(call.request)
  const headers =
    link.era === 'modern' && outgoing.request.method === 'tools/call'
      ? paramHeaders(outgoing.tool, outgoing.request.params?.arguments)
      : undefined
  const result = await link.request(
    options.owner,
    { method: outgoing.request.method, params },
    {
      timeoutMs: upstream.config.timeoutMs,
      signal: options.signal,
      ...(headers && { headers }),
      ...(token !== undefined && {
        onProgress: (progress: JsonObject) =>
          options.owner.notify({
            method: 'notifications/progress',
            params: { ...progress, progressToken: token },
          }),
      }),
    },
  )
  return withoutServerInfo(result)
}

/** The request's params with the `_meta` that the upstream's era expects. */
function upstreamParams(link: UpstreamLink, outgoing: Outgoing, call: DownstreamCall): JsonObject {
  const { progressToken: _ours, ...meta } = (outgoing.request.params?._meta ?? {}) as JsonObject
  if (link.era === 'modern') {
    meta[metaKeys.clientCapabilities] = call.capabilities
    if (call.logLevel !== undefined) meta[metaKeys.logLevel] = call.logLevel
  }
  if (outgoing.upstream.config.forwardCaller) meta[callerMetaKey] = call.caller
  const { _meta: _theirs, ...params } = outgoing.request.params ?? {}
  return Object.keys(meta).length > 0 ? { ...params, _meta: meta } : params
}

/** The answer comes from us: the upstream must not be taken for the server behind the endpoint. */
function withoutServerInfo(result: WireResult): WireResult {
  const meta = result._meta as JsonObject | undefined
  if (meta?.[metaKeys.serverInfo] === undefined) return result
  const { [metaKeys.serverInfo]: _theirs, ...rest } = meta
  return { ...result, _meta: rest }
}

/**
 * Runs `attempt` on a link of the call's era. An upstream that went away is connected again, and
 * the attempt repeated once where that cannot do a thing twice: when the upstream refused the
 * message unseen, or when the request is marked as harmless to repeat.
 */
export async function withLink(
  outgoing: Outgoing,
  call: DownstreamCall,
  attempt: (link: UpstreamLink) => Promise<WireResult>,
): Promise<WireResult> {
  const { upstream } = outgoing
  const link = await openLink(upstream, call)
  try {
    return await attempt(link)
  } catch (error) {
    const login = isRpcError(error) ? undefined : await upstream.loginNeeded()
    if (login) throw login
    const loss = connectionLoss(link, error)
    if (!loss) throw describe(upstream, error)
    if (!link.connection.isClosed) await link.connection.abandon(failureReason(error))
    const reason = await link.connection.closed
    if (call.signal.aborted || (loss === 'unknown' && !isRepeatable(outgoing))) {
      throw upstreamFailure(upstream.name, new Error(reason))
    }
    return attempt(await openLink(upstream, call)).catch((again: unknown) => {
      throw describe(upstream, again)
    })
  }
}

async function openLink(upstream: Upstream, call: DownstreamCall): Promise<UpstreamLink> {
  const link = await upstream.link(call.era, call.session)
  if (call.session) link.attach(call.session)
  return link
}

/** `unseen`: the upstream never took the request. `unknown`: it may have begun. */
function connectionLoss(link: UpstreamLink, error: unknown): 'unseen' | 'unknown' | undefined {
  if (isRpcError(error) || isRequestTimeout(error)) return undefined
  // A 2025 server that was restarted does not know our MCP session any more.
  if (error instanceof SdkHttpError)
    return error.status === 404 && link.era === 'legacy' ? 'unseen' : undefined
  if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return 'unseen'
  if (link.connection.isClosed) return 'unknown'
  return error instanceof SdkError ? undefined : 'unknown'
}

function isRepeatable({ request, tool }: Outgoing): boolean {
  if (request.method !== 'tools/call') return true
  const annotations = tool?.annotations as JsonObject | undefined
  return annotations?.readOnlyHint === true || annotations?.idempotentHint === true
}

function describe(upstream: Upstream, error: unknown): Error {
  if (!isRequestTimeout(error)) return upstreamFailure(upstream.name, error)
  const seconds = upstream.config.timeoutMs / 1000
  return rpcError(
    rpcCodes.upstreamUnavailable,
    `upstream "${upstream.name}" did not answer within ${seconds} s; ` +
      `"timeoutSeconds" of mcpServers.${upstream.name} sets that limit`,
    { server: upstream.name },
  )
}
