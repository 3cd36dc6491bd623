import type { Implementation } from '@modelcontextprotocol/server'
import { rpcCodes } from '../mcp-error.ts'
import { isJsonObject, type JsonObject, metaKeys, type WireResult } from '../wire-types.ts'

/** The codes that 2026-07-28 treats apart. */
const resourceNotFound = -32002
const missingClientCapability = -32021

/** A `tools/call` result as 2026-07-28 has it: with its type, and with the name of who answers. */
export function encodeResult(result: WireResult, serverInfo: Implementation): JsonObject {
  const { resultType = 'complete', _meta: meta = {} } = result
  const named =
    isJsonObject(meta) && meta[metaKeys.serverInfo] === undefined
      ? { ...meta, [metaKeys.serverInfo]: serverInfo }
      : meta
  return { ...withoutTasks(result), resultType, _meta: named }
}

/** Tasks of 2025-11-25 are not announced to a client of a revision without them. */
function withoutTasks(result: WireResult): WireResult {
  const { capabilities } = result
  if (!isJsonObject(capabilities) || !('tasks' in capabilities)) return result
  const { tasks: _gone, ...rest } = capabilities
  return { ...result, capabilities: rest }
}

/** What a call failed with, as a JSON-RPC error object. */
export function encodeError(error: unknown): JsonObject & { code: number } {
  const { code, message, data } = error as { code?: unknown; message?: string; data?: unknown }
  const known = Number.isSafeInteger(code) ? (code as number) : rpcCodes.internalError
  return {
    code: known === resourceNotFound ? rpcCodes.invalidParams : known,
    message: message ?? 'Internal error',
    ...(data !== undefined && { data }),
  }
}

/** HTTP is told of one kind of error only (MCP 2026-07-28, Transports); others are an answer. */
export function statusOf(error: { code: number }): number {
  return error.code === missingClientCapability ? 400 : 200
}
