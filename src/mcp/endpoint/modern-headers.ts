import type { Profile } from '../profile.ts'
import { decodeHeaderValue, paramHeaderProblem } from '../upstreams/param-headers.ts'
import { isJsonObject, type JsonObject, metaOf, type Request } from '../wire/message.ts'
import { isLogLevel, metaKeys, modernRevision, nameFieldOf, rpcCodes } from '../wire/protocol.ts'
import { type HttpExchange, headerOf } from './http-exchange.ts'

export interface Refusal {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/**
 * What is wrong with the envelope of a request, or with the headers that repeat its body (MCP 2026-07-28,
 * Standard Headers; SEP-2243). The first finding counts, in the order of the specification.
 */
export function headerProblem(request: Request, exchange: HttpExchange): Refusal | undefined {
  const meta = metaOf(request.params) ?? {}
  const version = meta[metaKeys.protocolVersion]
  const header = headerOf(exchange, 'mcp-protocol-version')?.trim()
  const envelope = envelopeProblem(meta)
  if (envelope) return envelope
  if (header !== undefined && header !== version) {
    return mismatch(header, `the body envelope names protocol version ${version}`)
  }
  const method = headerOf(exchange, 'mcp-method')?.trim()
  if (method !== undefined && method !== request.method) {
    return mismatch(method, `the body names method ${request.method}`)
  }
  if (version !== modernRevision) {
    return {
      code: rpcCodes.unsupportedProtocolVersion,
      message: `Unsupported protocol version: ${version}`,
      data: { supported: [modernRevision], requested: version },
    }
  }
  if (header === undefined) return mismatch('(missing)', 'MCP-Protocol-Version is required')
  if (method === undefined) return mismatch('(missing)', 'Mcp-Method is required')
  return nameProblem(request, headerOf(exchange, 'mcp-name')?.trim())
}

function nameProblem({ method, params }: Request, header: string | undefined): Refusal | undefined {
  const field = nameFieldOf(method)
  const value = field && params?.[field]
  if (field === undefined || typeof value !== 'string') return undefined
  if (header === undefined) {
    return mismatch('(missing)', `the body carries params.${field}, so Mcp-Name is required`)
  }
  const named = decodeHeaderValue(header)
  if (named === undefined) return mismatch(header, 'Mcp-Name is not valid base64')
  return named === value ? undefined : mismatch(header, `the body carries another params.${field}`)
}

function mismatch(header: string, body: string): Refusal {
  return {
    code: rpcCodes.headerMismatch,
    message: `Bad Request: the request headers and body disagree: ${body}`,
    data: { mismatch: { header, body } },
  }
}

/** The keys that every request of 2026-07-28 carries, and what they must be. */
function envelopeProblem(meta: JsonObject): Refusal | undefined {
  const checks: [string, boolean][] = [
    [metaKeys.protocolVersion, typeof meta[metaKeys.protocolVersion] === 'string'],
    [metaKeys.clientCapabilities, isJsonObject(meta[metaKeys.clientCapabilities])],
    [metaKeys.clientInfo, isOptional(meta[metaKeys.clientInfo], isJsonObject)],
    [metaKeys.logLevel, isOptional(meta[metaKeys.logLevel], isLogLevel)],
  ]
  const [key] = checks.find(([, isRight]) => !isRight) ?? []
  if (key === undefined) return undefined
  const problem = meta[key] === undefined ? 'missing' : 'not of the expected kind'
  return {
    code: rpcCodes.invalidParams,
    message: `Invalid _meta envelope for protocol revision ${modernRevision}: ${key}: ${problem}`,
    data: { envelope: { key, problem } },
  }
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value)
}

/** SEP-2243: a `tools/call` whose `Mcp-Param-*` headers contradict its arguments is refused. */
export function paramMismatch(profile: Profile, request: Request, { incoming }: HttpExchange) {
  const { method, params } = request
  if (method !== 'tools/call' || typeof params?.name !== 'string') return undefined
  const tool = profile.view().tool(params.name)?.item
  return paramHeaderProblem(tool, params.arguments, incoming.headers)
}
