import { messageOf, UserError } from '../../errors.ts'
import { printableLine } from '../../lib/printable.ts'
import { rpcCodes } from './protocol.ts'

/** A failure that goes on the wire as a JSON-RPC error with exactly this code. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** The error object of JSON-RPC 2.0, 5.1, as text. Anything but an RpcError is a fault of ours. */
export function errorText(error: unknown): string {
  if (!(error instanceof RpcError)) {
    return JSON.stringify({ code: rpcCodes.internalError, message: 'Internal error' })
  }
  const { code, message, data } = error
  return JSON.stringify({ code, message, ...(data !== undefined && { data }) })
}

/** What the client hears when its request could not be answered by an upstream. */
export function upstreamFailure(server: string, reason: string): RpcError {
  const message = `upstream ${JSON.stringify(server)} failed: ${reason}`
  return new RpcError(rpcCodes.upstreamUnavailable, message, { server })
}

/** Room for the status, the words and the Retry-After of an answer. */
const longestReason = 600

/**
 * Why an upstream failed, in words: those of the failure that was meant for a person, with its cure,
 * however deep it is wrapped; else the message.
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
  return printableLine(messageOf(error), longestReason)
}
