import { isJsonObject, type JsonObject, metaKeys, type WireNotification } from '../wire-types.ts'

/** What an upstream may say on the answer to one request. */
export type UpstreamMessage =
  | { kind: 'result'; result: unknown }
  | { kind: 'error'; code: number; message: string; data: unknown }
  | { kind: 'progress'; progress: JsonObject }
  | { kind: 'notification'; notification: WireNotification }
  /** Not for this request, or nothing that 2026-07-28 knows. */
  | { kind: 'ignored' }
  /** An answer to this request, in a form that is for the SDK to judge. */
  | { kind: 'doubtful' }

/** Notifications of the 2025 revisions, which 2026-07-28 took away. */
const goneNotifications: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
  'notifications/elicitation/complete',
])
const envelopeKeys: readonly string[] = [
  metaKeys.protocolVersion,
  metaKeys.clientInfo,
  metaKeys.clientCapabilities,
  metaKeys.logLevel,
]

/** Reads one JSON-RPC message on the answer to request `id`, whose progress token is its id too. */
export function readUpstreamMessage(message: unknown, id: number): UpstreamMessage {
  if (!isJsonObject(message) || message.jsonrpc !== '2.0') return { kind: 'ignored' }
  if (typeof message.method === 'string') return readNotification(message, message.method, id)
  // JSON-RPC has ids of both types; a server that answers with the text of a number is understood.
  if (Number(message.id) !== id) return { kind: 'ignored' }
  if (!hasOnly(message, ['jsonrpc', 'id', 'result', 'error'])) return { kind: 'doubtful' }
  if (message.error === undefined) return { kind: 'result', result: message.result }
  return message.result === undefined ? readError(message.error) : { kind: 'doubtful' }
}

function readError(error: unknown): UpstreamMessage {
  if (!isJsonObject(error)) return { kind: 'doubtful' }
  const { code, message, data } = error
  if (!Number.isSafeInteger(code) || typeof message !== 'string') return { kind: 'doubtful' }
  return { kind: 'error', code: code as number, message, data }
}

function readNotification(message: JsonObject, method: string, id: number): UpstreamMessage {
  const { params } = message
  const isSound =
    hasOnly(message, ['jsonrpc', 'method', 'params']) &&
    (params === undefined || (isJsonObject(params) && isOptionalObject(params._meta)))
  if (!isSound || method === 'notifications/cancelled' || goneNotifications.has(method)) {
    return { kind: 'ignored' }
  }
  const lifted = params === undefined ? undefined : withoutEnvelope(params as JsonObject)
  if (method === 'notifications/progress') return readProgress(lifted ?? {}, id)
  const notification = { jsonrpc: '2.0', method, ...(lifted && { params: lifted }) }
  return { kind: 'notification', notification }
}

function readProgress(params: JsonObject, id: number): UpstreamMessage {
  const { _meta, progress, total, message, progressToken } = params
  const isValid =
    Number(progressToken) === id &&
    typeof progress === 'number' &&
    (total === undefined || typeof total === 'number') &&
    (message === undefined || typeof message === 'string')
  if (!isValid) return { kind: 'ignored' }
  return {
    kind: 'progress',
    progress: {
      ...(_meta !== undefined && { _meta }),
      progress,
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message }),
    },
  }
}

/** The envelope is between two neighbours; what an upstream wrote there goes no further. */
function withoutEnvelope(params: JsonObject): JsonObject {
  const { _meta: meta, ...rest } = params
  if (!isJsonObject(meta) || !envelopeKeys.some((key) => key in meta)) return params
  const kept = Object.entries(meta).filter(([key]) => !envelopeKeys.includes(key))
  return kept.length > 0 ? { ...rest, _meta: Object.fromEntries(kept) } : rest
}

function hasOnly(message: JsonObject, keys: readonly string[]): boolean {
  for (const key in message) if (!keys.includes(key)) return false
  return true
}

function isOptionalObject(value: unknown): boolean {
  return value === undefined || isJsonObject(value)
}
