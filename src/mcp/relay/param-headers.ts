import type { JsonObject, WireTool } from '../wire-types.ts'

/**
 * The `Mcp-Param-*` headers of a `tools/call` (MCP 2026-07-28, SEP-2243): arguments whose schema
 * carries `x-mcp-header`, repeated as headers so that an HTTP server may route without the body.
 */
export function paramHeaders(
  tool: WireTool | undefined,
  args: unknown,
): Record<string, string> | undefined {
  const headers: Record<string, string> = {}
  collect(tool?.inputSchema, args, headers)
  return Object.keys(headers).length > 0 ? headers : undefined
}

function collect(schema: unknown, value: unknown, headers: Record<string, string>): void {
  if (!isObject(schema) || value === undefined || value === null) return
  const name = schema['x-mcp-header']
  if (typeof name === 'string' && isPrimitive(value)) {
    headers[`Mcp-Param-${name}`] = encode(String(value))
    return
  }
  if (!isObject(schema.properties) || !isObject(value)) return
  for (const [key, property] of Object.entries(schema.properties)) {
    collect(property, value[key], headers)
  }
}

/** Values a header cannot carry as they are travel as `=?base64?…?=`. */
function encode(value: string): string {
  const plain = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(value)
  const looksEncoded = value.startsWith('=?base64?') && value.endsWith('?=')
  return plain && !looksEncoded ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPrimitive(value: unknown): value is string | number | boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' || typeof value === 'boolean'
}
