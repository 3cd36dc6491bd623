import { randomBytes } from 'node:crypto'
import { rpcCodes, rpcError } from '../mcp-error.ts'
import type { AskOptions, MessageOwner } from '../upstreams/link.ts'
import type { InputRequired, WireNotification, WireRequest, WireResult } from '../wire-types.ts'
import type { DownstreamCall } from './downstream.ts'

/** How long a client may take to answer before the held upstream call is cancelled, ms. */
const heldMs = 10 * 60_000
const maxHeld = 256
const statePrefix = 'sallyport-held.'

/**
 * Bridges a 2026-07-28 client to a 2025 upstream that asks back during a call. The upstream's call
 * stays open; its question goes out as an `input_required` result whose `requestState` names the
 * held call, and the client's next request brings the answer to it.
 */
export interface HeldCalls {
  /** Runs or resumes a call. `start` is called once, for a call that is not held yet. */
  run(
    call: DownstreamCall,
    start: (owner: MessageOwner, signal: AbortSignal) => Promise<WireResult>,
  ): Promise<WireResult>
  /** Cancels whatever is held. */
  close(): void
}

interface Question {
  readonly request: WireRequest
  answer(result: WireResult): void
  refuse(error: Error): void
}

interface HeldCall {
  readonly state: string
  readonly profile: string
  readonly principal: string
  readonly abort: AbortController
  readonly questions: Map<string, Question>
  result: Promise<WireResult>
  /** The request that is being answered now; undefined while the client thinks. */
  current: DownstreamCall | undefined
  /** Settles the current round when a question arrives. */
  asked: (() => void) | undefined
  expiry: NodeJS.Timeout | undefined
}

export function createHeldCalls(): HeldCalls {
  const held = new Map<string, HeldCall>()

  function begin(
    call: DownstreamCall,
    start: (owner: MessageOwner, signal: AbortSignal) => Promise<WireResult>,
  ): HeldCall {
    const state = statePrefix + randomBytes(18).toString('base64url')
    const created: HeldCall = {
      state,
      profile: call.caller.profile,
      principal: call.principal,
      abort: new AbortController(),
      questions: new Map(),
      result: Promise.resolve({}),
      current: call,
      asked: undefined,
      expiry: undefined,
    }
    created.result = start(ownerOf(created, call), created.abort.signal)
    // Between rounds nobody may be waiting for it.
    created.result.catch(() => {})
    return created
  }

  function ownerOf(heldCall: HeldCall, first: DownstreamCall): MessageOwner {
    let count = 0
    return {
      ownerId: heldCall.state,
      capabilities: first.capabilities,
      logLevel: first.logLevel,
      notify: (notification: WireNotification) => heldCall.current?.notify(notification),
      ask: (request, { signal }: AskOptions) =>
        new Promise<WireResult>((resolve, reject) => {
          count += 1
          const key = `input_${count}`
          heldCall.questions.set(key, { request, answer: resolve, refuse: reject })
          signal.addEventListener('abort', () => heldCall.questions.delete(key), { once: true })
          heldCall.asked?.()
        }),
    }
  }

  function resume(call: DownstreamCall, state: string): HeldCall {
    const found = held.get(state)
    // Its questions and answers are between the upstream and the one who called.
    const isOwn = found?.profile === call.caller.profile && found.principal === call.principal
    if (!found || !isOwn || found.current) {
      throw rpcError(rpcCodes.invalidParams, 'Invalid or expired requestState', {
        reason: 'invalid_request_state',
      })
    }
    held.delete(state)
    clearTimeout(found.expiry)
    found.current = call
    for (const [key, response] of Object.entries(call.inputResponses ?? {})) {
      found.questions.get(key)?.answer(response as WireResult)
      found.questions.delete(key)
    }
    return found
  }

  async function round(heldCall: HeldCall, call: DownstreamCall): Promise<WireResult> {
    const onAbort = () => heldCall.abort.abort(call.signal.reason)
    call.signal.addEventListener('abort', onAbort, { once: true })
    if (call.signal.aborted) onAbort()
    try {
      const asked = new Promise<'asked'>((resolve) => {
        heldCall.asked = () => resolve('asked')
        if (heldCall.questions.size > 0) resolve('asked')
      })
      const outcome = await Promise.race([heldCall.result, asked])
      return outcome === 'asked' ? park(heldCall) : outcome
    } finally {
      call.signal.removeEventListener('abort', onAbort)
      heldCall.asked = undefined
      heldCall.current = undefined
    }
  }

  function park(heldCall: HeldCall): InputRequired {
    if (held.size >= maxHeld) {
      heldCall.abort.abort(new Error('too many calls wait for an answer'))
      throw rpcError(
        rpcCodes.internalError,
        `more than ${maxHeld} calls wait for their user's answer`,
      )
    }
    held.set(heldCall.state, heldCall)
    heldCall.expiry = setTimeout(() => {
      held.delete(heldCall.state)
      heldCall.abort.abort(new Error('the user did not answer in time'))
    }, heldMs)
    heldCall.expiry.unref()
    return {
      resultType: 'input_required',
      inputRequests: Object.fromEntries(
        [...heldCall.questions].map(([key, question]) => [key, question.request]),
      ),
      requestState: heldCall.state,
    }
  }

  return {
    run(call, start) {
      const heldCall =
        call.requestState === undefined ? begin(call, start) : resume(call, call.requestState)
      return round(heldCall, call)
    },
    close() {
      for (const { expiry, abort } of held.values()) {
        clearTimeout(expiry)
        abort.abort(new Error('the gateway is closing'))
      }
      held.clear()
    },
  }
}
