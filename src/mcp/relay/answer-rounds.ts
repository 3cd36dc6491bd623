import { membersOf, memberText } from '../wire/json-text.ts'
import { isJsonObject, type Request } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import type { Attempt, CallAnswer, ClientCall } from './client-call.ts'

/** Rounds of questions one call may take before it is taken for a loop. */
const maxRounds = 10

/**
 * A 2025 client and a 2026-07-28 server: each `input_required` result becomes requests to the client on
 * the stream of its call, and the call is repeated with the answers.
 */
export function answerRounds(
  call: ClientCall,
  onAnswer: Attempt['onAnswer'],
  send: (attempt: Attempt) => void,
): void {
  let rounds = 0

  function next(edits: Attempt['edits']): void {
    rounds += 1
    send({
      ...(edits && { edits }),
      onAnswer(answer, value) {
        if (answer.kind === 'error' || !isInputRequired(value)) return onAnswer(answer, value)
        if (rounds < maxRounds) return askAll(answer)
        const message = `the upstream asked for input ${maxRounds} times in a row`
        onAnswer(
          { kind: 'error', body: errorText(new RpcError(rpcCodes.internalError, message)) },
          undefined,
        )
      },
    })
  }

  /** Puts every question of a result to the client, and goes on when all were answered. */
  function askAll({ body }: CallAnswer) {
    const requests = memberText(body, 'inputRequests') ?? '{}'
    const state = memberText(body, 'requestState')
    const asked = membersOf(requests).map(({ key, start, end }) =>
      toRequest(key, requests.slice(start, end)),
    )
    if (!asked.every((one) => one !== undefined)) {
      const message = 'the upstream asked for input with what is no request'
      const body = errorText(new RpcError(rpcCodes.internalError, message))
      return onAnswer({ kind: 'error', body }, undefined)
    }
    const responses = new Map<string, string>()
    const takeBack: (() => void)[] = []
    call.cancel = () => {
      for (const stop of takeBack) stop()
    }
    const goOn = () => {
      const inputResponses = [...responses].map(([key, text]) => `${JSON.stringify(key)}:${text}`)
      next({
        inputResponses: `{${inputResponses.join(',')}}`,
        ...(state && { requestState: state }),
      })
    }
    if (asked.length === 0) return goOn()
    let isOver = false
    for (const request of asked) {
      const question = {
        request,
        answer(kind: 'result' | 'error', text: string) {
          if (isOver) return
          if (kind === 'error') {
            isOver = true
            return onAnswer({ kind, body: text }, undefined)
          }
          responses.set(String(request.id), text)
          if (responses.size === asked.length) goOn()
        },
        // 2026-07-28 hears nothing of a question until it is answered.
        progress: () => {},
      }
      takeBack.push(call.owner.ask(question))
    }
  }

  next(undefined)
}

function isInputRequired(value: unknown): boolean {
  return isJsonObject(value) && value.resultType === 'input_required'
}

function toRequest(id: string, text: string): Request | undefined {
  const read: unknown = JSON.parse(text)
  if (!isJsonObject(read) || typeof read.method !== 'string') return undefined
  const { method, params } = read
  return { kind: 'request', id, method, params: isJsonObject(params) ? params : undefined, text }
}
