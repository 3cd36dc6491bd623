import { ProtocolError, SdkError, SdkErrorCode } from '@modelcontextprotocol/client'
import { failureReason } from './upstreams/failure-reason.ts'

/** JSON-RPC error codes we answer with ourselves. Upstream codes pass through untouched. */
export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Implementation-defined range of JSON-RPC 2.0; the message says which upstream and why. */
  upstreamUnavailable: -32000,
  sessionNotFound: -32001,
  /** A header repeats something of the body and says otherwise (2026-07-28). */
  headerMismatch: -32020,
} as const

/** Creates an error that goes on the wire as a JSON-RPC error with exactly this code. */
export function rpcError(code: number, message: string, data?: unknown): Error {
  return ProtocolError.fromError(code, message, data)
}

/** Whether the upstream itself answered with a JSON-RPC error. */
export function isRpcError(error: unknown): error is Error & { code: number; data?: unknown } {
  return error instanceof Error && Number.isSafeInteger((error as { code?: unknown }).code)
}

export function isRequestTimeout(error: unknown): boolean {
  return error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout
}

/** What the client hears when a request could not be answered by its upstream. */
export function upstreamFailure(server: string, error: unknown): Error {
  if (isRpcError(error)) return error
  return rpcError(
    rpcCodes.upstreamUnavailable,
    `upstream ${JSON.stringify(server)} failed: ${failureReason(error)}`,
    { server },
  )
}
