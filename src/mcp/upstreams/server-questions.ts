import { type Answer, type Request, writeAnswer, writeNotification } from '../wire/message.ts'
import { errorText } from '../wire/rpc-error.ts'
import { type MessageOwner, ownerOfQuestion, type Question } from './message-owner.ts'

/** What one server asks over one connection, until it is answered. */
export function createServerQuestions(server: string, post: (text: string) => void) {
  /** What takes each back, by the id the server gave it. */
  const open = new Map<unknown, (params?: string) => void>()

  return {
    /** Puts a question to whoever of the candidates can be meant, or refuses it. */
    ask(request: Request, candidates: readonly MessageOwner[]) {
      const { id } = request
      const answer = (kind: Answer['kind'], body: string) => {
        if (open.delete(id)) post(writeAnswer(id, kind, body))
      }
      const question: Question = {
        request,
        answer,
        progress: (params) => post(writeNotification('notifications/progress', params)),
      }
      // Before it is asked: the answer may come at once.
      open.set(id, () => {})
      if (request.method === 'ping') return answer('result', '{}')
      try {
        const takeBack = ownerOfQuestion(server, request, candidates).ask(question)
        if (open.has(id)) open.set(id, takeBack)
      } catch (error) {
        answer('error', errorText(error))
      }
    },
    /** The server does not want an answer any more. */
    takeBack(id: unknown, params: string | undefined): void {
      open.get(id)?.(params)
      open.delete(id)
    },
    close(): void {
      for (const takeBack of open.values()) takeBack()
      open.clear()
    },
  }
}
