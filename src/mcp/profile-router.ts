import { UriTemplate } from '@modelcontextprotocol/client'
import type { Origin, ProfileView } from './profile-view.ts'
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
 */
export function routeRequest(view: ProfileView, servers: readonly string[], request: WireRequest) {
  const params = request.params ?? {}
  switch (request.method) {
    case 'tools/call':
      return routeTool(view, request)
    case 'prompts/get':
      return routePrompt(view.promptOrigins.get(String(params.name)), request)
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return { servers: serversOfUri(view, servers, String(params.uri)), request }
    case 'completion/complete':
      return routeCompletion(view, servers, request)
    default:
      return undefined
  }
}

function routeTool(view: ProfileView, request: WireRequest): Route | undefined {
  const origin = view.toolOrigins.get(String(request.params?.name))
  if (!origin) return undefined
  const params = { ...request.params, name: origin.item.name }
  return { servers: [origin.server], request: { ...request, params }, tool: origin.item }
}

function routePrompt(
  origin: Origin<{ name: string }> | undefined,
  request: WireRequest,
): Route | undefined {
  if (!origin) return undefined
  const params = { ...request.params, name: origin.item.name }
  return { servers: [origin.server], request: { ...request, params } }
}

function routeCompletion(
  view: ProfileView,
  servers: readonly string[],
  request: WireRequest,
): Route | undefined {
  const ref = (request.params?.ref ?? {}) as JsonObject
  if (ref.type === 'ref/prompt') {
    const origin = view.promptOrigins.get(String(ref.name))
    if (!origin) return undefined
    const params = { ...request.params, ref: { ...ref, name: origin.item.name } }
    return { servers: [origin.server], request: { ...request, params } }
  }
  const uri = String(ref.uri)
  const template = view.templateServers.find(({ uriTemplate }) => uriTemplate === uri)
  return { servers: template ? [template.server] : serversOfUri(view, servers, uri), request }
}

/**
 * The server that lists a URI, else those with a template it fits; else any, in order, since tools
 * may link to resources that are listed nowhere.
 */
function serversOfUri(view: ProfileView, servers: readonly string[], uri: string): string[] {
  const listed = view.resourceServers.get(uri)
  if (listed !== undefined) return [listed]
  const fitting = view.templateServers.filter(({ uriTemplate }) => fits(uriTemplate, uri))
  if (fitting.length > 0) return [...new Set(fitting.map(({ server }) => server))]
  return [...servers]
}

function fits(template: string, uri: string): boolean {
  try {
    return new UriTemplate(template).match(uri) !== null
  } catch {
    // A malformed template of the upstream's fits nothing.
    return false
  }
}
