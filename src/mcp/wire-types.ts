/** JSON-RPC and MCP shapes as they are on the wire; unknown fields are kept everywhere. */

export type JsonObject = { [key: string]: unknown }

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface WireTool extends JsonObject {
  name: string
  description?: string
  inputSchema?: JsonObject
}
export interface WireResource extends JsonObject {
  uri: string
}
export interface WireResourceTemplate extends JsonObject {
  uriTemplate: string
}
export interface WirePrompt extends JsonObject {
  name: string
}

/** Protocol eras: `legacy` opens with `initialize` (2025 revisions), `modern` is 2026-07-28. */
export type Era = 'legacy' | 'modern'

export interface WireRequest {
  method: string
  params?: JsonObject
}
export interface WireNotification {
  method: string
  params?: JsonObject
}
export type WireResult = JsonObject

/** A multi-round-trip answer (2026-07-28): the caller supplies the inputs and calls again. */
export interface InputRequired extends JsonObject {
  resultType: 'input_required'
  inputRequests?: Record<string, WireRequest>
  requestState?: string
}

export function isInputRequired(result: WireResult): result is InputRequired {
  return result.resultType === 'input_required'
}

export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const

/** Where a request tells an upstream with `forwardCaller` who called: see {@link Caller}. */
export const callerMetaKey = 'dev.sallyport/caller'

/** What the gateway knows of whoever called. */
export interface Caller {
  profile: string
  /** The origin the request came in through, such as `https://localhost:3443`. */
  origin: string
  protocolVersion: string | undefined
  client: { name: string; version?: string } | undefined
}

export const logLevels = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const

/** Whether a message of `level` passes a threshold. Unknown levels always pass. */
export function passesLogLevel(level: unknown, threshold: string): boolean {
  const rank = (name: unknown) => (logLevels as readonly unknown[]).indexOf(name)
  return rank(level) === -1 || rank(level) >= rank(threshold)
}

export function isLogLevel(value: unknown): boolean {
  return (logLevels as readonly unknown[]).includes(value)
}

/** The most talkative of several levels; undefined when there is none. */
export function lowestLogLevel(levels: Iterable<string>): string | undefined {
  const asked = new Set(levels)
  return logLevels.find((level) => asked.has(level))
}
