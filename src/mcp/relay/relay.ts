import { rpcCodes, rpcError } from '../mcp-error.ts'
import type { MessageOwner, UpstreamLink } from '../upstreams/link.ts'
import { type InputRequired, isInputRequired, type WireResult } from '../wire-types.ts'
import type { DownstreamCall } from './downstream.ts'
import { createHeldCalls } from './held-calls.ts'
import { type Outgoing, send, withLink } from './send.ts'

/** Rounds of questions one call may take before it is taken for a loop. */
const maxRounds = 10

/** Carries calls between clients and upstreams, of the same era or of different ones. */
export interface Relay {
  /** @throws Error as a JSON-RPC error */
  forward(outgoing: Outgoing, call: DownstreamCall): Promise<WireResult>
  close(): void
}

export function createRelay(): Relay {
  const heldCalls = createHeldCalls()

  return {
    forward(outgoing, call) {
      return withLink(outgoing, call, (link) => {
        if (call.era === link.era) return forwardDirectly(link, outgoing, call)
        return call.era === 'modern'
          ? heldCalls.run(call, (owner, signal) => send(link, outgoing, call, { owner, signal }))
          : answerRounds(link, outgoing, call)
      })
    },
    close: heldCalls.close,
  }
}

/** Same era on both edges: questions and answers keep their shape. */
function forwardDirectly(
  link: UpstreamLink,
  outgoing: Outgoing,
  call: DownstreamCall,
): Promise<WireResult> {
  return send(link, outgoing, call, {
    owner: ownerOf(call),
    signal: call.signal,
    extra: {
      ...(call.inputResponses && { inputResponses: call.inputResponses }),
      ...(call.requestState !== undefined && { requestState: call.requestState }),
    },
  })
}

/**
 * A 2025 client and an upstream that speaks 2026-07-28 only: each `input_required` result becomes
 * requests to the client on the stream of its call, and the call is repeated with the answers.
 */
async function answerRounds(
  link: UpstreamLink,
  outgoing: Outgoing,
  call: DownstreamCall,
): Promise<WireResult> {
  const owner = ownerOf(call)
  let answers: { inputResponses?: Record<string, unknown>; requestState?: string } = {}
  for (let round = 0; round < maxRounds; round += 1) {
    const result = await send(link, outgoing, call, { owner, signal: call.signal, extra: answers })
    if (!isInputRequired(result)) return result
    answers = {
      inputResponses: await askAll(owner, result, call.signal),
      ...(result.requestState !== undefined && { requestState: result.requestState }),
    }
  }
  throw rpcError(rpcCodes.internalError, `the upstream asked for input ${maxRounds} times in a row`)
}

async function askAll(
  owner: MessageOwner,
  { inputRequests = {} }: InputRequired,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const entries = await Promise.all(
    Object.entries(inputRequests).map(
      async ([key, request]) => [key, await owner.ask(request, { signal })] as const,
    ),
  )
  return Object.fromEntries(entries)
}

/** The owner of a call's messages: its session, speaking on the stream of this call. */
function ownerOf(call: DownstreamCall): MessageOwner {
  return {
    ownerId: call.session?.ownerId ?? crypto.randomUUID(),
    capabilities: call.capabilities,
    logLevel: call.session?.logLevel ?? call.logLevel,
    notify: call.notify,
    ask: call.ask ?? refuseToAsk,
  }
}

async function refuseToAsk(): Promise<never> {
  throw rpcError(
    rpcCodes.methodNotFound,
    'a 2026-07-28 client is asked by "input_required" results',
  )
}
