import type { Implementation } from '@modelcontextprotocol/server'
import type { RequestContext } from '../endpoint/request-context.ts'
import type { Profile } from '../profile.ts'
import type { DownstreamCall } from '../relay/downstream.ts'
import { type JsonObject, metaKeys, type WireNotification, type WireResult } from '../wire-types.ts'
import { type AnswerStream, openAnswerStream } from './answer-stream.ts'
import { encodeError, encodeResult, statusOf } from './encode-answer.ts'
import { type CallPlan, planCall } from './plan-call.ts'

/** Answers tool calls of 2026-07-28 clients without the SDK, where nothing about them is unusual. */
export interface FastEndpoint {
  /** Undefined when the request is not for here. */
  handle(request: Request, context: RequestContext): Promise<Response> | undefined
  /** Ends the calls that are being answered. */
  close(): void
}

export function createFastEndpoint(options: {
  profile: Profile
  serverInfo: Implementation
  answer: (call: DownstreamCall) => Promise<WireResult>
  onTaken: () => void
}): FastEndpoint {
  const { profile, serverInfo } = options
  const inFlight = new Set<AbortController>()
  const toolOf = (name: string) => profile.view().toolOrigins.get(name)?.item

  function serve(plan: CallPlan, request: Request, context: RequestContext): Promise<Response> {
    const { id } = plan
    const abort = new AbortController()
    const onLeft = () => abort.abort()
    inFlight.add(abort)
    request.signal.addEventListener('abort', onLeft, { once: true })
    if (request.signal.aborted) onLeft()

    return new Promise((resolve) => {
      let stream: AnswerStream | undefined
      const notify = (notification: WireNotification) => {
        if (abort.signal.aborted || !isAnnounced(profile, notification)) return
        if (!stream) {
          stream = openAnswerStream(onLeft)
          resolve(stream.response)
        }
        stream.send({ jsonrpc: '2.0', ...notification })
      }
      const finish = (message: object, status: number) => {
        inFlight.delete(abort)
        request.signal.removeEventListener('abort', onLeft)
        if (abort.signal.aborted) return
        if (!stream) return resolve(jsonResponse(message, status))
        stream.send(message)
        stream.end()
      }
      abort.signal.addEventListener('abort', () => {
        // The status for a client that left; nobody reads it.
        if (stream) stream.end()
        else resolve(new Response(null, { status: 499 }))
      })
      const call = toCall(plan, { profile, context, signal: abort.signal, notify })
      options.answer(call).then(
        (result) => finish({ result: encodeResult(result, serverInfo), jsonrpc: '2.0', id }, 200),
        (thrown: unknown) => {
          const error = encodeError(thrown)
          finish({ jsonrpc: '2.0', id, error }, statusOf(error))
        },
      )
    })
  }

  return {
    handle(request, context) {
      const plan = planCall(request.headers, context.body, toolOf)
      if (!plan) return undefined
      options.onTaken()
      return serve(plan, request, context)
    },
    close() {
      for (const abort of inFlight) abort.abort()
      inFlight.clear()
    },
  }
}

function toCall(
  { params, envelope }: CallPlan,
  around: {
    profile: Profile
    context: RequestContext
    signal: AbortSignal
    notify: (notification: WireNotification) => void
  },
): DownstreamCall {
  return {
    era: 'modern',
    request: { method: 'tools/call', params },
    caller: {
      profile: around.profile.config.name,
      origin: around.context.origin,
      protocolVersion: envelope[metaKeys.protocolVersion] as string,
      client: envelope[metaKeys.clientInfo] as DownstreamCall['caller']['client'],
    },
    principal: around.context.caller,
    capabilities: envelope[metaKeys.clientCapabilities] as JsonObject,
    logLevel: envelope[metaKeys.logLevel] as string | undefined,
    signal: around.signal,
    session: undefined,
    inputResponses: undefined,
    requestState: undefined,
    notify: around.notify,
    ask: undefined,
  }
}

/** Log messages go to nobody who was not told that there are any. */
function isAnnounced(profile: Profile, { method }: WireNotification): boolean {
  return method !== 'notifications/message' || profile.view().capabilities.logging !== undefined
}

function jsonResponse(message: object, status: number): Response {
  const headers = { 'content-type': 'application/json' }
  return new Response(JSON.stringify(message), { status, headers })
}
