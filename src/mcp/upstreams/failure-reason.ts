import { SdkHttpError } from '@modelcontextprotocol/client'
import { messageOf, UserError } from '../../errors.ts'
import { printableLine } from '../../lib/printable.ts'
import { describeAnswer } from './failed-answer.ts'

/**
 * Why an upstream failed, in words: those of the failure that was meant for a person, with its cure,
 * however deep an SDK has wrapped it; else what the upstream answered; else the message.
 */
export function failureReason(error: unknown): string {
  let current = error
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    if (current instanceof UserError) {
      // A cure that the message names already is not said twice.
      const { message, hint } = current
      return hint === undefined || message.includes(hint) ? message : `${message} ${hint}`
    }
    if (current instanceof SdkHttpError) return answerOf(current)
    current = current.cause
  }
  return printableLine(messageOf(error))
}

/** The text is a sentence of ours, or a JSON-RPC message: see `withShortFailures`. */
function answerOf({ status, data: { text }, message }: SdkHttpError): string {
  if (typeof text !== 'string' || text === '') return printableLine(message)
  return text.startsWith('{') ? describeAnswer({ status, body: text }) : text
}
