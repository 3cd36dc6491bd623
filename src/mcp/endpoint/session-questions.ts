import type { Logger } from '../../lib/logger.ts'
import type { CallTrace } from '../traffic-tap.ts'
import type { Question } from '../upstreams/message-owner.ts'
import { editObject, memberText } from '../wire/json-text.ts'
import {
  type Answer,
  bodyText,
  type Id,
  isId,
  type JsonObject,
  paramsText,
  progressTokenOf,
  writeNotification,
  writeRequest,
} from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import type { Outlet } from './outlet.ts'

/** What may wait for one client at once. */
const most = 256

/** What servers ask the client of one session, under ids and tokens of the session's. */
export function createSessionQuestions(options: {
  logger: Logger
  /** Sees a question that belongs to no call. */
  onAside: (method: string, params: string | undefined) => void
}) {
  const asked = new Map<
    number,
    { question: Question; token: Id | undefined; trace: CallTrace | undefined }
  >()
  let lastId = 0

  const refuse = (question: Question, code: number, message: string) =>
    question.answer('error', errorText(new RpcError(code, message)))

  return {
    /** Puts a question to the client; the returned function takes it back. */
    ask(
      question: Question,
      { outlet, trace }: { outlet: Outlet; trace?: CallTrace | undefined },
    ): (params?: string) => void {
      if (asked.size >= most) {
        const message = `${most} questions wait for this client’s answers already`
        refuse(question, rpcCodes.upstreamUnavailable, message)
        return () => {}
      }
      const id = ++lastId
      const { method, params } = question.request
      const token = progressTokenOf(params)
      asked.set(id, { question, token, trace })
      let text = paramsText(question.request)
      if (token !== undefined && text !== undefined) {
        const meta = editObject(memberText(text, '_meta') ?? '{}', { progressToken: String(id) })
        text = editObject(text, { _meta: meta })
      }
      if (trace) trace.aside('server', method, text ?? '{}')
      else options.onAside(method, text)
      if (!outlet.ask(writeRequest(id, method, text))) {
        asked.delete(id)
        const message = 'the client takes no event streams, so it cannot be asked'
        refuse(question, rpcCodes.methodNotFound, message)
      }
      return (params = '{}') => {
        if (!asked.delete(id)) return
        const about = editObject(params, { requestId: String(id) })
        outlet.deliver(writeNotification('notifications/cancelled', about))
      }
    },
    answered(answer: Answer) {
      const id = Number(answer.id)
      const about = asked.get(id)
      if (!about) return options.logger.debug('an answer to nothing that was asked', { id })
      asked.delete(id)
      const body = bodyText(answer)
      about.trace?.aside('client', undefined, body)
      about.question.answer(answer.kind, body)
    },
    /** The client tells how far it is. */
    progressed(params: JsonObject | undefined, text: string): void {
      const given = params?.progressToken
      const about = isId(given) ? asked.get(Number(given)) : undefined
      const progressToken = JSON.stringify(about?.token)
      about?.question.progress(editObject(text, { progressToken }))
    },
    close(): void {
      for (const { question } of asked.values()) {
        refuse(question, rpcCodes.upstreamUnavailable, 'the client has left')
      }
      asked.clear()
    },
  }
}
