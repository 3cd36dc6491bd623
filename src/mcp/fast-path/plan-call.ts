import { ownValue } from '../../lib/own-value.ts'
import { paramHeaderProblem } from '../relay/param-headers.ts'
import {
  isJsonObject,
  isLogLevel,
  type JsonObject,
  metaKeys,
  type WireTool,
} from '../wire-types.ts'
import { isPlainImplementation } from './plain-result.ts'

const revision = '2026-07-28'
const messageKeys: readonly string[] = ['jsonrpc', 'id', 'method', 'params']
const relatedTaskKey = 'io.modelcontextprotocol/related-task'

/** A `tools/call` of 2026-07-28 that is known to be in order. */
export interface CallPlan {
  readonly id: string | number
  /** Its params, without what is between the client and us alone. */
  readonly params: JsonObject
  readonly envelope: JsonObject
}

/**
 * Decides whether a request may take the fast path: a single `tools/call` of 2026-07-28 that the
 * SDK would certainly take, for a tool of ours.
 * @returns undefined for whatever is unusual in any way; the SDK then finds the precise answer
 */
export function planCall(
  headers: Headers,
  body: unknown,
  toolOf: (name: string) => WireTool | undefined,
): CallPlan | undefined {
  if (!isJsonObject(body) || body.method !== 'tools/call' || !isPlainMessage(body)) return undefined
  const { id, params } = body
  if (!isJsonObject(params) || !isId(id) || typeof params.name !== 'string') return undefined
  if ('inputResponses' in params || 'requestState' in params) return undefined
  const { _meta: meta, ...rest } = params
  if (!isJsonObject(meta) || !isPlainEnvelope(meta)) return undefined
  if (!saysTheSame(headers, params.name)) return undefined
  const tool = toolOf(params.name)
  if (!tool || paramHeaderProblem(tool, params.arguments, headers) !== undefined) return undefined
  const { envelope, others } = splitMeta(meta)
  return { id, envelope, params: others ? { ...rest, _meta: others } : rest }
}

function isPlainMessage(body: JsonObject): boolean {
  for (const key in body) if (!messageKeys.includes(key)) return false
  return body.jsonrpc === '2.0'
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' || Number.isSafeInteger(id)
}

/** The headers that repeat the body (MCP 2026-07-28, Standard Headers), without any encoding. */
function saysTheSame(headers: Headers, name: string): boolean {
  const accept = headers.get('accept') ?? ''
  return (
    headers.get('mcp-protocol-version') === revision &&
    headers.get('mcp-method') === 'tools/call' &&
    headers.get('mcp-name') === name &&
    !name.startsWith('=?') &&
    accept.includes('application/json') &&
    accept.includes('text/event-stream')
  )
}

function isPlainEnvelope(meta: JsonObject): boolean {
  const info = meta[metaKeys.clientInfo]
  const level = meta[metaKeys.logLevel]
  return (
    meta[metaKeys.protocolVersion] === revision &&
    areCapabilities(meta[metaKeys.clientCapabilities]) &&
    (info === undefined || isPlainImplementation(info)) &&
    (level === undefined || isLogLevel(level)) &&
    (meta.progressToken === undefined || isId(meta.progressToken)) &&
    meta[relatedTaskKey] === undefined
  )
}

/** The forms in use: capabilities that say no more than that, or which of their parts there are. */
function areCapabilities(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  const { roots, sampling, elicitation, experimental, extensions } = value
  return (
    hasOnly(roots, { listChanged: (part) => typeof part === 'boolean' }) &&
    hasOnly(sampling, { context: isJsonObject, tools: isJsonObject }) &&
    hasOnly(elicitation, { form: isEmpty, url: isJsonObject }) &&
    [experimental, extensions].every(
      (part) =>
        part === undefined || (isJsonObject(part) && Object.values(part).every(isJsonObject)),
    )
  )
}

function hasOnly(value: unknown, parts: Record<string, (part: unknown) => boolean>): boolean {
  if (value === undefined) return true
  return (
    isJsonObject(value) &&
    Object.entries(value).every(([key, part]) => ownValue(parts, key)?.(part))
  )
}

function isEmpty(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0
}

function splitMeta(meta: JsonObject): { envelope: JsonObject; others: JsonObject | undefined } {
  const {
    [metaKeys.protocolVersion]: protocolVersion,
    [metaKeys.clientInfo]: clientInfo,
    [metaKeys.clientCapabilities]: capabilities,
    [metaKeys.logLevel]: logLevel,
    ...others
  } = meta
  const envelope = {
    [metaKeys.protocolVersion]: protocolVersion,
    [metaKeys.clientInfo]: clientInfo,
    [metaKeys.clientCapabilities]: capabilities,
    [metaKeys.logLevel]: logLevel,
  }
  return { envelope, others: Object.keys(others).length > 0 ? others : undefined }
}
