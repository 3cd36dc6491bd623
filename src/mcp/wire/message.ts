import { elementsOf, memberText } from './json-text.ts'
import { metaKeys } from './protocol.ts'

/** The longest message of a server: one without an end would otherwise grow for ever. */
export const maxMessageLength = 64 * 1024 * 1024

export type JsonObject = { [key: string]: unknown }

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** JSON-RPC 2.0, 4: strings and numbers; MCP has no null id in a request. */
export type Id = string | number

/**
 * One JSON-RPC message, read once: its parsed form decides where it goes, its text is what goes there.
 */
export type Message = Request | Notification | Answer

interface Read {
  /** As it was written. */
  readonly text: string
}
export interface Request extends Read {
  readonly kind: 'request'
  readonly id: Id
  readonly method: string
  readonly params: JsonObject | undefined
}
export interface Notification extends Read {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject | undefined
}
export interface Answer extends Read {
  readonly kind: 'result' | 'error'
  readonly id: Id | null
  /** The result, or the error object. */
  readonly value: unknown
}

/**
 * Reads a message of which `value` is the parsed form.
 * @returns undefined for what is no JSON-RPC message
 */
export function readMessage(text: string, value: unknown): Message | undefined {
  if (!isJsonObject(value) || value.jsonrpc !== '2.0') return undefined
  const { id, method, params } = value
  if (typeof method === 'string') {
    if (params !== undefined && !isJsonObject(params)) return undefined
    if (id === undefined) return { kind: 'notification', method, params, text }
    return isId(id) ? { kind: 'request', id, method, params, text } : undefined
  }
  if (method !== undefined || !(isId(id) || id === null || id === undefined)) return undefined
  if (isJsonObject(value.error)) return { kind: 'error', id: id ?? null, value: value.error, text }
  if (value.result === undefined || id === null || id === undefined) return undefined
  return { kind: 'result', id, value: value.result, text }
}

/** The same of text alone; undefined for what is no JSON, or no JSON-RPC message. */
export function parseMessage(text: string): Message | undefined {
  try {
    return readMessage(text, JSON.parse(text))
  } catch {
    // Not JSON: the caller says so.
    return undefined
  }
}

/** The same of a batch as text (MCP 2025-03-26). */
export function parseBatch(text: string): Message[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const values: unknown = JSON.parse(text)
    return Array.isArray(values) ? readBatch(text, values) : undefined
  } catch {
    // Not JSON: the caller says so.
    return undefined
  }
}

/** Every message of a batch (JSON-RPC 2.0, 6), or undefined when one of them is none. */
export function readBatch(text: string, values: readonly unknown[]): Message[] | undefined {
  const messages = elementsOf(text).map((element, index) => readMessage(element, values[index]))
  return messages.every((message) => message !== undefined) ? messages : undefined
}

export function isId(value: unknown): value is Id {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

/** The params of a request or notification, as they were written. */
export function paramsText(message: Request | Notification): string | undefined {
  return message.params === undefined ? undefined : memberText(message.text, 'params')
}

/** The result or the error of an answer, as it was written. */
export function bodyText(answer: Answer): string {
  return memberText(answer.text, answer.kind) ?? 'null'
}

export function writeRequest(id: Id, method: string, params: string | undefined): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)}${withParams(params)}}`
}

export function writeNotification(method: string, params: string | undefined): string {
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${withParams(params)}}`
}

/** @param body the text of the result, or of the error */
export function writeAnswer(id: Id | null, kind: Answer['kind'], body: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"${kind}":${body}}`
}

function withParams(params: string | undefined): string {
  return params === undefined ? '' : `,"params":${params}`
}

/** The token a request asks for progress under (MCP, Progress); undefined when it asks for none. */
export function progressTokenOf(params: JsonObject | undefined): Id | undefined {
  const token = metaOf(params)?.progressToken
  return typeof token === 'string' || typeof token === 'number' ? token : undefined
}

export function metaOf(params: JsonObject | undefined): JsonObject | undefined {
  return isJsonObject(params?._meta) ? params._meta : undefined
}

/** Params that say that their request is one of 2026-07-28. */
export function claimsModern(params: JsonObject | undefined): boolean {
  return Object.hasOwn(metaOf(params) ?? {}, metaKeys.protocolVersion)
}

/** The resource that a `notifications/resources/updated` is about; empty for any other. */
export function changedUri({ method, params }: Notification): string {
  const isResource = method === 'notifications/resources/updated'
  return isResource && typeof params?.uri === 'string' ? params.uri : ''
}
