import { quoted } from '../lib/printable.ts'
import { claimsModern, isJsonObject } from './wire/message.ts'
import { removedMethods, rpcCodes } from './wire/protocol.ts'

/** Longest method, name or URI that is looked up. RFC 9110 4.1 wants URIs of 8000 octets taken. */
const maxLength = 8_192

/** Resources that one session, or one stream of 2026-07-28, may follow. */
export const maxSubscriptions = 256

/** What a request is about, by the field that decides where it goes. */
export type Asked =
  | { readonly kind: 'tool' | 'prompt'; readonly name: string }
  /** `template` is what a completion refers to. */
  | { readonly kind: 'resource' | 'template'; readonly uri: string }
  | { readonly kind: 'resources'; readonly uris: readonly string[] }
  | { readonly kind: 'task'; readonly taskId: string }
  | { readonly kind: 'other' }

/** A message that does not say what it asks for; nobody may guess. */
export interface Unreadable {
  readonly kind: 'unreadable'
  readonly code: number
  readonly problem: string
  /** Of the request, as far as it has a usable one. */
  readonly id?: string | number
  /** Of HTTP, where the revision of the request has one for this. */
  readonly status?: number
}

/** One message of a client. `method` is undefined for its answer to a question of ours. */
export interface MessageReading {
  readonly kind: 'message'
  readonly method: string | undefined
  readonly asked: Asked
}

const other: Asked = { kind: 'other' }

const noMethod: Unreadable = {
  kind: 'unreadable',
  code: rpcCodes.methodNotFound,
  problem: 'Method not found',
}

/**
 * Reads the body of a POST: a message, or several (2025-03-26). Access and routing both go by this
 * reading, so nobody is checked for one thing and given another.
 */
export function readMessages(body: unknown): readonly MessageReading[] | Unreadable {
  const readings: MessageReading[] = []
  for (const message of Array.isArray(body) ? body : [body]) {
    const reading = readMessage(message)
    if (reading.kind === 'unreadable') return reading
    readings.push(reading)
  }
  return readings.length > 0 ? readings : invalidRequest('a batch has at least one message')
}

function readMessage(message: unknown): MessageReading | Unreadable {
  if (!isJsonObject(message)) return invalidRequest('a JSON-RPC message is an object')
  const method = own(message, 'method')
  if (method === undefined) {
    const isAnswer = own(message, 'result') !== undefined || own(message, 'error') !== undefined
    return isAnswer
      ? { kind: 'message', method, asked: other }
      : invalidRequest('a request has a "method"')
  }
  if (!isText(method)) return invalidRequest(`"method" ${whatTextIs}`)
  if (isDisguised(method)) {
    return noMethod
  }
  const id = own(message, 'id')
  // A server that does not look at the id would take it for a call that nobody checked.
  if (id === undefined && !method.startsWith('notifications/')) {
    return invalidRequest(`${JSON.stringify(method)} is no notification, and has no "id"`)
  }
  if (id !== undefined && !isId(id)) return invalidRequest('"id" is a string or an integer')
  const asked = readAsked(method, own(message, 'params'))
  if (asked.kind !== 'unreadable') return { kind: 'message', method, asked }
  if (id === undefined) return asked
  return isRemoved(method, own(message, 'params'))
    ? { ...noMethod, status: 404, id }
    : { ...asked, id }
}

/** What cannot be read of a method that its revision has not is no mistake in the params. */
function isRemoved(method: string, params: unknown): boolean {
  return removedMethods.has(method) && isJsonObject(params) && claimsModern(params)
}

/** Whose params decide what may be asked. */
const guardedMethods: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'subscriptions/listen',
])

/** Whose names and ids are the client's own: as they are, they would mean another's. */
const translatedMethods: ReadonlySet<string> = new Set([
  'tools/list',
  'notifications/cancelled',
  'notifications/progress',
])

/** Nearly one of them, such as in capitals: a server that is lenient would take it for that one. */
function isDisguised(method: string): boolean {
  if (guardedMethods.has(method)) return false
  const plain = method
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^a-z/]/g, '')
  return plain !== method && (guardedMethods.has(plain) || translatedMethods.has(plain))
}

/** Fields that say what is asked for, wherever they stand, by what they are in small letters. */
const guardedFields: ReadonlyMap<string, string> = new Map(
  ['_meta', 'name', 'uri', 'ref', 'type', 'taskId', 'notifications', 'resourceSubscriptions'].map(
    (field) => [field.toLowerCase(), field],
  ),
)

/** Nearly one of the fields that were read: servers in Go take a key in any case, the last that fits. */
function disguisedField(method: string, params: unknown): string | undefined {
  if (!guardedMethods.has(method) && !method.startsWith('tasks/')) return undefined
  for (const holder of [params, own(params, 'ref'), own(params, 'notifications')]) {
    const disguised = isJsonObject(holder) && Object.keys(holder).find(isDisguisedKey)
    if (disguised) return disguised
  }
  return undefined
}

function isDisguisedKey(key: string): boolean {
  const field = guardedFields.get(key.normalize('NFKC').toLowerCase())
  return field !== undefined && field !== key
}

/** What a request with that method and those params is about. */
export function readAsked(method: string, params: unknown): Asked | Unreadable {
  const disguised = disguisedField(method, params)
  if (disguised !== undefined) return invalidParams(`${quoted(disguised)} is no field of it`)
  switch (method) {
    case 'tools/call':
      return named('tool', params)
    case 'prompts/get':
      return named('prompt', params)
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return located('resource', params)
    case 'completion/complete':
      return readReference(own(params, 'ref'))
    case 'subscriptions/listen':
      return readFilter(own(params, 'notifications'))
    default:
      return method.startsWith('tasks/') && method !== 'tasks/list' ? readTask(params) : other
  }
}

function named(kind: 'tool' | 'prompt', holder: unknown): Asked | Unreadable {
  const name = own(holder, 'name')
  return isText(name) ? { kind, name } : invalidParams(`"name" ${whatTextIs}`)
}

function located(kind: 'resource' | 'template', holder: unknown): Asked | Unreadable {
  const uri = own(holder, 'uri')
  return isText(uri) ? { kind, uri } : invalidParams(`"uri" ${whatTextIs}`)
}

function readReference(ref: unknown): Asked | Unreadable {
  const type = own(ref, 'type')
  if (type === 'ref/prompt') return named('prompt', ref)
  if (type === 'ref/resource') return located('template', ref)
  return invalidParams('"ref" is of the type "ref/prompt" or "ref/resource"')
}

function readFilter(filter: unknown): Asked | Unreadable {
  const uris = own(filter, 'resourceSubscriptions') ?? []
  if (!Array.isArray(uris) || !uris.every(isText)) {
    return invalidParams(`each of "resourceSubscriptions" ${whatTextIs}`)
  }
  return uris.length <= maxSubscriptions
    ? { kind: 'resources', uris }
    : invalidParams(`one stream follows at most ${maxSubscriptions} resources`)
}

function readTask(params: unknown): Asked | Unreadable {
  const taskId = own(params, 'taskId')
  return isText(taskId) ? { kind: 'task', taskId } : invalidParams(`"taskId" ${whatTextIs}`)
}

/** A field of its own: `__proto__` in JSON is a key, and what it holds is nobody's field. */
function own(holder: unknown, key: string): unknown {
  return isJsonObject(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined
}

const whatTextIs = `is a string of at most ${maxLength} characters`

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxLength
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

function invalidRequest(problem: string): Unreadable {
  return {
    kind: 'unreadable',
    code: rpcCodes.invalidRequest,
    problem: `Invalid Request: ${problem}`,
  }
}

function invalidParams(problem: string): Unreadable {
  return { kind: 'unreadable', code: rpcCodes.invalidParams, problem: `Invalid params: ${problem}` }
}
