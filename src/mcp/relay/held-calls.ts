import { randomBytes } from 'node:crypto'
import type { MessageOwner, Question } from '../upstreams/message-owner.ts'
import { membersOf, memberText } from '../wire/json-text.ts'
import { paramsText } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import { type Attempt, type CallAnswer, type ClientCall, refuse } from './client-call.ts'

/** How long a client may take to answer before the held upstream call is cancelled, ms. */
const heldMs = 10 * 60_000
const maxHeld = 256
/** Questions of one call that wait at once. */
const maxQuestions = 256
const statePrefix = 'sallyport-held.'

interface HeldCall {
  /** Set once it is held: most calls never are. */
  state: string
  /** Nobody else goes on with it. */
  readonly principal: string
  readonly profile: string
  readonly questions: Map<string, Question>
  /** Answers the request of now. */
  onAnswer: Attempt['onAnswer']
  /** The request that is being answered now; undefined while the client thinks. */
  current: ClientCall | undefined
  /** The request that the upstream's call was made for, with which that is cancelled. */
  readonly first: ClientCall
  /** What the upstream said while nobody was there to hear it. */
  final: { answer: CallAnswer; value: unknown } | undefined
  expiry: NodeJS.Timeout | undefined
}

/**
 * Bridges a 2026-07-28 client to a 2025 upstream that asks back during a call. The upstream's call
 * stays open; its question goes out as an `input_required` result whose `requestState` names the
 * held call, and the client's next request brings the answer to it.
 */
export function createHeldCalls() {
  const held = new Map<string, HeldCall>()

  function begin(
    call: ClientCall,
    onAnswer: Attempt['onAnswer'],
    send: (attempt: Attempt) => void,
  ): void {
    const entry: HeldCall = {
      state: '',
      principal: call.principal,
      profile: call.caller.profile,
      questions: new Map(),
      onAnswer,
      current: call,
      first: call,
      final: undefined,
      expiry: undefined,
    }
    send({
      owner: ownerOf(entry, call),
      onAnswer(answer, value) {
        // The next request of the client is another call, with an answer of its own.
        if (entry.current) entry.onAnswer(answer, value)
        else entry.final = { answer, value }
      },
    })
  }

  function ownerOf(entry: HeldCall, first: ClientCall): MessageOwner {
    let count = 0
    return {
      ownerId: first.owner.ownerId,
      taskOwner: first.owner.taskOwner,
      capabilities: first.owner.capabilities,
      logLevel: first.owner.logLevel,
      tell: (method, params) => entry.current?.owner.tell(method, params),
      ask(question) {
        if (entry.questions.size >= maxQuestions) {
          const message = `${maxQuestions} questions of this call wait for an answer already`
          question.answer('error', errorText(new RpcError(rpcCodes.upstreamUnavailable, message)))
          return () => {}
        }
        count += 1
        const key = `input_${count}`
        entry.questions.set(key, question)
        // After whatever else it asks in the same breath.
        queueMicrotask(() => park(entry))
        return () => entry.questions.delete(key)
      },
    }
  }

  /** Answers the request of now with the questions, and waits for the next. */
  function park(entry: HeldCall) {
    const { current } = entry
    if (!current || entry.questions.size === 0) return
    if (held.size >= maxHeld) {
      entry.first.cancel?.('too many calls wait for an answer')
      const message = `more than ${maxHeld} calls wait for their user's answer`
      return refuse(current, new RpcError(rpcCodes.internalError, message))
    }
    entry.current = undefined
    entry.state ||= statePrefix + randomBytes(18).toString('base64url')
    held.set(entry.state, entry)
    entry.expiry = setTimeout(() => {
      held.delete(entry.state)
      entry.first.cancel?.('the user did not answer in time')
    }, heldMs)
    entry.expiry.unref()
    const requests = [...entry.questions].map(([key, { request }]) => {
      const params = paramsText(request)
      const about = params === undefined ? '' : `,"params":${params}`
      return `${JSON.stringify(key)}:{"method":${JSON.stringify(request.method)}${about}}`
    })
    const body = `{"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":${JSON.stringify(entry.state)}}`
    current.answer({ kind: 'result', body })
  }

  function resume(call: ClientCall, onAnswer: Attempt['onAnswer'], state: string) {
    const entry = held.get(state)
    if (entry?.principal !== call.principal || entry.profile !== call.caller.profile) {
      return refuse(
        call,
        new RpcError(rpcCodes.invalidParams, 'Invalid or expired requestState', {
          reason: 'invalid_request_state',
        }),
      )
    }
    held.delete(state)
    clearTimeout(entry.expiry)
    entry.current = call
    entry.onAnswer = onAnswer
    call.cancel = (reason) => entry.first.cancel?.(reason)
    const params = paramsText(call.request) ?? '{}'
    const responses = memberText(params, 'inputResponses') ?? '{}'
    for (const { key, start, end } of membersOf(responses)) {
      const question = entry.questions.get(key)
      entry.questions.delete(key)
      question?.answer('result', responses.slice(start, end))
    }
    if (entry.final) onAnswer(entry.final.answer, entry.final.value)
    // What it left unanswered is asked again.
    else park(entry)
  }

  return {
    /** Runs or resumes a call; `send` is called once, for one that is not held yet. */
    run(call: ClientCall, onAnswer: Attempt['onAnswer'], send: (attempt: Attempt) => void): void {
      const state = call.request.params?.requestState
      if (typeof state === 'string') resume(call, onAnswer, state)
      else begin(call, onAnswer, send)
    },
    /** Cancels whatever is held. */
    close(): void {
      for (const { expiry, first } of held.values()) {
        clearTimeout(expiry)
        first.cancel?.('the gateway is closing')
      }
      held.clear()
    },
  }
}
