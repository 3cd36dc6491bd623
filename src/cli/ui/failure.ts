import { messageOf, UserError } from '../../errors.ts'
import { printable } from '../../lib/printable.ts'
import { margin, type Screen } from './screen.ts'

const report = 'Please report it, with these lines, where you got Sallyport from'

/** A failure as `--json` prints it. */
export interface FailureEvent {
  event: 'error'
  code: string
  message: string
  hint?: string
  /** Of a bug: the lines to report it with. */
  stack?: string
}

/** A failure for a person: what happened, what to do, and its code; a bug with its stack. */
export function formatFailure(error: unknown, screen: Screen): string[] {
  const { style } = screen
  if (error instanceof UserError) {
    return [
      ...screen.prose(error.message).map(style.red),
      ...(error.hint ? screen.prose(error.hint) : []),
      margin + style.dim(error.code),
    ]
  }
  return [
    ...screen.prose('Sallyport has a bug and cannot go on.').map(style.red),
    printable(stackOf(error)),
    ...screen.prose(`${report}.`),
  ]
}

/** The same failure for a machine. */
export function failureEvent(error: unknown): FailureEvent {
  if (!(error instanceof UserError)) {
    return {
      event: 'error',
      code: 'BUG',
      message: messageOf(error),
      hint: `${report}.`,
      stack: stackOf(error),
    }
  }
  const { code, message, hint } = error
  return { event: 'error', code, message, ...(hint === undefined ? {} : { hint }) }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** 0 is success; 1 a failure or a bug; 2 wrong usage or configuration. */
export function exitCodeOf(error: unknown): 1 | 2 {
  return error instanceof UserError ? error.exitCode : 1
}
