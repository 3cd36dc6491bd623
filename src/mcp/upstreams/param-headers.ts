import type { IncomingHttpHeaders } from 'node:http'
import { isJsonObject as isObject, type JsonObject } from '../wire/message.ts'

/**
 * The `Mcp-Param-*` headers of a `tools/call` (MCP 2026-07-28, SEP-2243): arguments whose schema
 * carries `x-mcp-header`, repeated as headers so that an HTTP server may route without the body.
 */
export function paramHeaders(
  tool: JsonObject | undefined,
  args: unknown,
): Record<string, string> | undefined {
  const headers: Record<string, string> = {}
  collect(tool?.inputSchema, args, headers)
  return Object.keys(headers).length > 0 ? headers : undefined
}

/**
 * Whether the headers of a request say the same as its arguments, as a server must check.
 * @returns what is wrong, as a sentence fragment; undefined when nothing is
 */
export function paramHeaderProblem(
  tool: JsonObject | undefined,
  args: unknown,
  headers: IncomingHttpHeaders,
): string | undefined {
  for (const [name, expected] of Object.entries(paramHeaders(tool, args) ?? {})) {
    const given = headers[name.toLowerCase()]
    if (typeof given !== 'string')
      return `the ${name} header is absent, but the body carries its argument`
    if (decodeHeaderValue(given) === undefined) return `the ${name} header is not valid base64`
    if (!isSameValue(decodeHeaderValue(given), decodeHeaderValue(expected))) {
      return `the ${name} header and the body disagree`
    }
  }
  return undefined
}

/** Numbers may be written in more than one way, such as 1 and 1.0. */
function isSameValue(given: string | undefined, expected: string | undefined): boolean {
  const isNumber = /^-?\d+(\.\d+)?$/
  if (given === expected) return true
  return (
    isNumber.test(given ?? '') &&
    isNumber.test(expected ?? '') &&
    Number(given) === Number(expected)
  )
}

/** What such a value stands for; undefined where it is encoded wrongly. */
export function decodeHeaderValue(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
  if (encoded === undefined) return value
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded ? bytes.toString('utf8') : undefined
}

function collect(schema: unknown, value: unknown, headers: Record<string, string>): void {
  if (!isObject(schema) || value === undefined || value === null) return
  const name = schema['x-mcp-header']
  if (typeof name === 'string' && isPrimitive(value)) {
    headers[`Mcp-Param-${name}`] = encodeHeaderValue(String(value))
    return
  }
  if (!isObject(schema.properties) || !isObject(value)) return
  for (const [key, property] of Object.entries(schema.properties)) {
    collect(property, value[key], headers)
  }
}

/** Values a header cannot carry as they are travel as `=?base64?…?=`. */
export function encodeHeaderValue(value: string): string {
  const plain = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(value)
  const looksEncoded = value.startsWith('=?base64?') && value.endsWith('?=')
  return plain && !looksEncoded ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`
}

function isPrimitive(value: unknown): value is string | number | boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' || typeof value === 'boolean'
}
