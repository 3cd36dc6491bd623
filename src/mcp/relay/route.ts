import type { ProfileView } from '../profiles/profile-view.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { editObject, membersOf, memberText } from '../wire/json-text.ts'
import { isJsonObject, type JsonObject, paramsText, type Request } from '../wire/message.ts'
import { nameFieldOf, rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'
import type { Route } from './relay.ts'

/** URIs are compared with every template there is. */
const maxUriLength = 8_192

/** What a request may be routed by. */
export interface Routing {
  readonly view: ProfileView
  readonly upstreams: readonly Upstream[]
  /** The server that made a task. */
  taskOwner(taskId: string): string | undefined
}

/**
 * Finds whose a request is, and translates its names: the servers that may answer it, in order.
 * @throws RpcError -32602 when what it names is not there, -32601 when nobody can be told to know it
 */
export function routesOf(request: Request, routing: Routing): Route[] {
  const { method, params } = request
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return [namedRoute(request, routing)]
    case 'resources/read':
      return uriRoutes(request, routing)
    case 'completion/complete':
      return completionRoutes(request, routing)
    default:
      if (nameFieldOf(method) === 'taskId' || method === 'tasks/result') {
        return [taskRoute(request, routing, params?.taskId)]
      }
      return [plainRoute(request, ownerOfMethod(method, routing))]
  }
}

function namedRoute(request: Request, { view, upstreams }: Routing): Route {
  const noun = request.method === 'tools/call' ? 'tool' : 'prompt'
  const name = stringOf(request, 'name')
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

function uriRoutes(request: Request, { view, upstreams }: Routing): Route[] {
  const uri = uriOf(request)
  const found = view.serversOfUri(uri).flatMap((one) => {
    const upstream = upstreams.find(({ name }) => name === one.server)
    if (!upstream) return []
    const params = withMember(request, 'uri', { from: uri, to: one.uri })
    return [{ upstream, params, name: one.uri, ...uriTranslation(view, upstream) }]
  })
  if (found.length === 0) throw unknown('resource', uri)
  return found
}

/** The URI a request names. @throws RpcError when there is none, or it is no URI anybody has */
export function uriOf(request: Request): string {
  const uri = stringOf(request, 'uri')
  if (uri.length <= maxUriLength) return uri
  throw new RpcError(rpcCodes.invalidParams, `"uri" is longer than ${maxUriLength} characters`)
}

function completionRoutes(request: Request, routing: Routing): Route[] {
  const { view, upstreams } = routing
  const ref = request.params?.ref
  if (!isJsonObject(ref)) throw invalid('"ref" must be an object')
  const [field, value] = ref.type === 'ref/prompt' ? ['name', ref.name] : ['uri', ref.uri]
  if (typeof value !== 'string') throw invalid(`"ref.${field}" must be a string`)
  const candidates =
    field === 'name'
      ? [view.prompt(value)].flatMap((origin) =>
          origin ? [{ server: origin.server, value: origin.name }] : [],
        )
      : view.serversOfUri(value).map(({ server, uri }) => ({ server, value: uri }))
  const routes = candidates.flatMap((one) => {
    const upstream = upstreams.find(({ name }) => name === one.server)
    if (!upstream) return []
    const text = paramsText(request) ?? '{}'
    const refText = editObject(memberText(text, 'ref') ?? '{}', {
      [field as string]: JSON.stringify(one.value),
    })
    return [{ upstream, params: editObject(text, { ref: refText }), name: undefined }]
  })
  if (routes.length === 0) throw unknown(field === 'name' ? 'prompt' : 'resource', value)
  return routes
}

function taskRoute(request: Request, routing: Routing, taskId: unknown): Route {
  if (typeof taskId !== 'string') throw invalid('"taskId" must be a string')
  const owner = routing.taskOwner(taskId)
  const upstream =
    routing.upstreams.find(({ name }) => name === owner) ??
    (routing.upstreams.length === 1 ? routing.upstreams[0] : undefined)
  if (!upstream) throw unknown('task', taskId)
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
    /(?<!\\)("uri(?:Template)?"\s*:\s*)("(?:[^"\\]|\\.)*")/g,
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

function stringOf({ params }: Request, key: string): string {
  const value = params && Object.hasOwn(params, key) ? params[key] : undefined
  if (typeof value === 'string') return value
  throw invalid(`"${key}" must be a string`)
}

function invalid(message: string, data?: JsonObject): RpcError {
  return new RpcError(rpcCodes.invalidParams, message, data)
}

function unknown(noun: string, name: string): RpcError {
  return invalid(`Unknown ${noun}: ${JSON.stringify(name)}`)
}
