import { quoted } from '../../lib/printable.ts'
import type { ProfileView } from '../profiles/profile-view.ts'
import { type Asked, readAsked } from '../request-reading.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { editObject, membersOf, memberText } from '../wire/json-text.ts'
import { isJsonObject, paramsText, type Request } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'
import type { ClientCall } from './client-call.ts'
import type { Route } from './relay.ts'

/** What a request may be routed by. */
export interface Routing {
  readonly view: ProfileView
  readonly upstreams: readonly Upstream[]
}

/**
 * Finds whose a request is, and translates its names: the servers that may answer it, in order.
 * @throws RpcError -32602 when what it names is not there, -32601 when nobody can be told to know it
 */
export function routesOf(call: ClientCall, routing: Routing): Route[] {
  const { request } = call
  const { method } = request
  const asked = askedBy(request)
  switch (asked.kind) {
    case 'tool':
    case 'prompt':
      return [namedRoute(request, asked, routing)]
    case 'resource':
      return uriRoutes(request, asked.uri, routing)
    case 'task':
      return [taskRoute(call, asked.taskId, routing)]
    default:
      return method === 'completion/complete'
        ? completionRoutes(request, routing)
        : [plainRoute(request, ownerOfMethod(method, routing))]
  }
}

/** What a request is about, by the reading that access goes by as well. @throws RpcError -32602 */
export function askedBy({ method, params }: Request): Asked {
  const asked = readAsked(method, params)
  if (asked.kind !== 'unreadable') return asked
  throw new RpcError(asked.code, asked.problem)
}

function namedRoute(
  request: Request,
  { kind: noun, name }: { kind: 'tool' | 'prompt'; name: string },
  { view, upstreams }: Routing,
): Route {
  const origin = noun === 'tool' ? view.tool(name) : view.prompt(name)
  const upstream = upstreams.find((one) => one.name === origin?.server)
  if (!origin || !upstream) throw unknown(noun, name)
  return {
    upstream,
    params: withMember(request, 'name', { from: name, to: origin.name }),
    name: origin.name,
    tool: noun === 'tool' ? origin.item : undefined,
    ...uriTranslation(view, upstream),
  }
}

function uriRoutes(request: Request, uri: string, { view, upstreams }: Routing): Route[] {
  const found = view.serversOfUri(uri).flatMap((one) => {
    const upstream = upstreams.find(({ name }) => name === one.server)
    if (!upstream) return []
    const params = withMember(request, 'uri', { from: uri, to: one.uri })
    return [{ upstream, params, name: one.uri, ...uriTranslation(view, upstream) }]
  })
  if (found.length === 0) throw unknown('resource', uri)
  return found
}

function completionRoutes(request: Request, routing: Routing): Route[] {
  const { view, upstreams } = routing
  const asked = askedBy(request)
  const isPrompt = asked.kind === 'prompt'
  const value = isPrompt ? asked.name : asked.kind === 'template' ? asked.uri : ''
  const candidates = isPrompt
    ? [view.prompt(value)].flatMap((origin) =>
        origin ? [{ server: origin.server, value: origin.name }] : [],
      )
    : view.serversOfUri(value).map(({ server, uri }) => ({ server, value: uri }))
  const routes = candidates.flatMap((one) => {
    const upstream = upstreams.find(({ name }) => name === one.server)
    if (!upstream) return []
    const text = paramsText(request) ?? '{}'
    const refText = editObject(memberText(text, 'ref') ?? '{}', {
      [isPrompt ? 'name' : 'uri']: JSON.stringify(one.value),
    })
    return [{ upstream, params: editObject(text, { ref: refText }), name: undefined }]
  })
  if (routes.length === 0) throw unknown(isPrompt ? 'prompt' : 'resource', value)
  return routes
}

/** A task is known to whoever had it made; a server with one client alone knows by itself. */
function taskRoute(call: ClientCall, taskId: string, { upstreams }: Routing): Route {
  const { request, owner } = call
  const [only] = upstreams
  const isOwn = only && upstreams.length === 1 && call.session && only.isolates(call.session)
  const makers = isOwn
    ? [only]
    : upstreams.filter(({ tasks }) => tasks.isOf(taskId, owner.taskOwner))
  const [upstream] = makers
  if (!upstream) throw unknown('task', taskId)
  if (makers.length > 1) {
    const message = `Several servers of this profile made a task ${quoted(taskId)}: ${makers.map(({ name }) => name).join(', ')}`
    throw new RpcError(rpcCodes.invalidParams, message)
  }
  const params = withMember(request, 'taskId', { from: taskId, to: taskId })
  return { upstream, params, name: taskId }
}

function plainRoute(request: Request, upstream: Upstream): Route {
  return { upstream, params: paramsText(request), name: undefined }
}

/**
 * The server that a method belongs to that nobody here has heard of: the only one, or the only one
 * that announced something of its prefix.
 */
function ownerOfMethod(method: string, { upstreams }: Routing): Upstream {
  const [only] = upstreams
  if (only && upstreams.length === 1) return only
  const prefix = method.split('/')[0] ?? method
  const announcing = upstreams.filter((upstream) => announces(upstream, prefix))
  const [owner] = announcing
  if (owner && announcing.length === 1) return owner
  const why =
    announcing.length === 0
      ? 'no server of this profile announced it'
      : `several servers of this profile announced it: ${announcing.map(({ name }) => name).join(', ')}`
  throw new RpcError(rpcCodes.methodNotFound, `Method not found: ${why}`)
}

function announces(upstream: Upstream, prefix: string): boolean {
  const capabilities = upstream.catalog()?.handshake.capabilities ?? {}
  const { extensions, experimental } = capabilities
  const names = [
    ...Object.keys(capabilities),
    ...Object.keys(isJsonObject(extensions) ? extensions : {}),
    ...Object.keys(isJsonObject(experimental) ? experimental : {}),
  ]
  return names.some((name) => name === prefix || name.endsWith(`/${prefix}`))
}

function uriTranslation(view: ProfileView, { name }: Upstream): Pick<Route, 'translate'> {
  return view.rewritesUris(name) ? { translate: (result) => exposeUris(view, name, result) } : {}
}

/** The links of a result under the names the profile has for them; all else stays as it was. */
export function exposeUris(view: ProfileView, server: string, result: string): string {
  return result.replace(
    // No longer than what can be asked for: V8 throws at megabytes.
    /(?<!\\)("uri(?:Template)?"\s*:\s*)("(?:[^"\\]|\\.){0,8192}")/g,
    (whole, key: string, value: string) => {
      const uri = JSON.parse(value) as string
      const exposed = view.exposedUri(server, uri)
      return exposed === uri ? whole : key + JSON.stringify(exposed)
    },
  )
}

/**
 * The params with one string written as the server calls it. Written anew also where it is repeated:
 * what was looked at is what is passed on.
 */
function withMember(
  request: Request,
  key: string,
  { from, to }: { from: string; to: string },
): string {
  const text = paramsText(request) ?? '{}'
  const isOnce = membersOf(text).filter((member) => member.key === key).length === 1
  return isOnce && from === to ? text : editObject(text, { [key]: JSON.stringify(to) })
}

function unknown(noun: string, name: string): RpcError {
  return new RpcError(rpcCodes.invalidParams, `Unknown ${noun}: ${quoted(name)}`)
}
