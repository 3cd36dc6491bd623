import { messageOf, UserError } from '../../errors.ts'

/**
 * Why an upstream failed, in words: those of the failure that was meant for a person, with its cure,
 * however deep an SDK has wrapped it; else the message.
 */
export function failureReason(error: unknown): string {
  let current = error
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    if (current instanceof UserError) {
      // A cure that the message names already is not said twice.
      const { message, hint } = current
      return hint === undefined || message.includes(hint) ? message : `${message} ${hint}`
    }
    current = current.cause
  }
  return messageOf(error)
}
