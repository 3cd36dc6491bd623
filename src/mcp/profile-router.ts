import { rpcError } from './mcp-error.ts'
import type { ProfileView } from './profile-view.ts'
import { readAsked } from './request-reading.ts'
import { matchesTemplate } from './uri-template.ts'
import type { JsonObject, WireRequest, WireTool } from './wire-types.ts'

/** A request under the upstream's own names, and the servers that may answer it, in order. */
export interface Route {
  readonly servers: readonly string[]
  readonly request: WireRequest
  readonly tool?: WireTool
}

/**
 * Finds whose a request is and translates its names.
 * @returns undefined when no server of the profile has the tool or prompt it names
 * @throws Error as a JSON-RPC error when it does not say what it asks for
 */
export function routeRequest(
  view: ProfileView,
  servers: readonly string[],
  request: WireRequest,
): Route | undefined {
  const asked = readAsked(request.method, request.params)
  switch (asked.kind) {
    case 'unreadable':
      throw rpcError(asked.code, asked.problem)
    case 'tool':
      return routeTool(view, asked.name, request)
    case 'prompt':
      return routePrompt(view, asked.name, request)
    case 'resource':
      return { servers: serversOfUri(view, servers, asked.uri), request }
    case 'template':
      return { servers: serversOfTemplate(view, servers, asked.uri), request }
    default:
      return undefined
  }
}

function routeTool(view: ProfileView, name: string, request: WireRequest): Route | undefined {
  const origin = view.toolOrigins.get(name)
  if (!origin) return undefined
  const params = { ...request.params, name: origin.item.name }
  return { servers: [origin.server], request: { ...request, params }, tool: origin.item }
}

/** A prompt, or the completion of one of its arguments. */
function routePrompt(view: ProfileView, asked: string, request: WireRequest): Route | undefined {
  const origin = view.promptOrigins.get(asked)
  if (!origin) return undefined
  const { name } = origin.item
  const named =
    request.method === 'completion/complete'
      ? { ref: { ...(request.params?.ref as JsonObject), name } }
      : { name }
  const params = { ...request.params, ...named }
  return { servers: [origin.server], request: { ...request, params } }
}

function serversOfTemplate(view: ProfileView, servers: readonly string[], uri: string): string[] {
  const template = view.templateServers.find(({ uriTemplate }) => uriTemplate === uri)
  return template ? [template.server] : serversOfUri(view, servers, uri)
}

/**
 * The server that lists a URI, else those with a template it fits; else any, in order, since tools
 * may link to resources that are listed nowhere.
 */
function serversOfUri(view: ProfileView, servers: readonly string[], uri: string): string[] {
  const listed = view.resourceServers.get(uri)
  if (listed !== undefined) return [listed]
  const fitting = view.templateServers.filter(({ uriTemplate }) =>
    matchesTemplate(uriTemplate, uri),
  )
  if (fitting.length > 0) return [...new Set(fitting.map(({ server }) => server))]
  return [...servers]
}
