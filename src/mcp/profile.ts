import type { ProfileConfig } from '../config/resolved-config.ts'
import type { ProfileSummary } from '../gateway-events.ts'
import type { ServerCatalog } from './catalog.ts'
import { isRpcError, rpcCodes, rpcError } from './mcp-error.ts'
import { routeRequest } from './profile-router.ts'
import { createProfileView, type ProfileView } from './profile-view.ts'
import type { DownstreamCall } from './relay/downstream.ts'
import type { Relay } from './relay/relay.ts'
import type { Upstream } from './upstreams/upstream.ts'
import type { WireResult } from './wire-types.ts'

/** A named selection of upstream tools with its own endpoint. */
export interface Profile {
  readonly config: ProfileConfig
  /** Replaces the configuration under the clients that are connected. */
  configure(config: ProfileConfig): void
  view(): ProfileView
  /** The view, after a moment for servers that were never seen before. */
  seenView(): Promise<ProfileView>
  /** Computes the view anew after a catalog changed. */
  refresh(): void
  /** Whether it shows anything of that server. */
  includes(server: string): boolean
  /** Answers one request. @throws Error as a JSON-RPC error */
  handle(call: DownstreamCall): Promise<WireResult>
  /** The upstreams that may hold a resource. */
  upstreamsOfUri(uri: string): Upstream[]
  upstreams(): Upstream[]
  summary(url: string): ProfileSummary
}

export function createProfile(options: {
  config: ProfileConfig
  upstream: (name: string) => Upstream | undefined
  relay: Relay
}): Profile {
  const { relay } = options
  let { config } = options
  const upstreams = () => config.servers.flatMap((name) => options.upstream(name) ?? [])
  let view: ProfileView | undefined

  function currentView(): ProfileView {
    view ??= createProfileView(
      config,
      new Map(
        upstreams().flatMap((upstream): [string, ServerCatalog][] => {
          const catalog = upstream.catalog()
          return catalog ? [[upstream.name, catalog]] : []
        }),
      ),
    )
    return view
  }

  async function seenView(): Promise<ProfileView> {
    const unseen = upstreams().filter((upstream) => upstream.catalog() === undefined)
    if (unseen.length > 0) await Promise.all(unseen.map((upstream) => upstream.firstSight))
    return currentView()
  }

  async function list(pick: (view: ProfileView) => WireResult): Promise<WireResult> {
    return pick(await seenView())
  }

  async function route(call: DownstreamCall): Promise<WireResult> {
    const found =
      routeRequest(currentView(), config.servers, call.request) ??
      routeRequest(await seenView(), config.servers, call.request)
    if (!found) throw unknownItem(call.request.method, call.request.params)
    const candidates = found.servers.flatMap((name) => options.upstream(name) ?? [])
    let refusal: unknown
    for (const upstream of candidates) {
      try {
        return await relay.forward({ upstream, request: found.request, tool: found.tool }, call)
      } catch (error) {
        refusal = error
        // Only "no such resource" lets the next server try.
        if (candidates.length === 1 || !isNotFound(error)) throw error
      }
    }
    throw refusal ?? unknownItem(call.request.method, call.request.params)
  }

  return {
    get config() {
      return config
    },
    configure(next) {
      config = next
      view = undefined
    },
    view: currentView,
    seenView,
    refresh() {
      view = undefined
    },
    includes: (server) => config.servers.includes(server),
    handle(call) {
      switch (call.request.method) {
        case 'tools/list':
          return list(({ tools }) => ({ tools }))
        case 'prompts/list':
          return list(({ prompts }) => ({ prompts }))
        case 'resources/list':
          return list(({ resources }) => ({ resources }))
        case 'resources/templates/list':
          return list(({ resourceTemplates }) => ({ resourceTemplates }))
        default:
          return route(call)
      }
    },
    upstreamsOfUri(uri) {
      const request = { method: 'resources/read', params: { uri } }
      const found = routeRequest(currentView(), config.servers, request)
      return (found?.servers ?? []).flatMap((name) => options.upstream(name) ?? [])
    },
    upstreams,
    summary(url) {
      const shown = currentView()
      return {
        name: config.name,
        url,
        tools: shown.tools.length,
        resources: shown.resources.length,
        prompts: shown.prompts.length,
        servers: upstreams().map((upstream) => {
          const { state, error } = upstream.status()
          return {
            name: upstream.name,
            state,
            tools: shown.toolsByServer.get(upstream.name) ?? 0,
            ...(error !== undefined && { error }),
          }
        }),
        problems: [...shown.problems],
      }
    },
  }
}

function isNotFound(error: unknown): boolean {
  return (
    isRpcError(error) &&
    [rpcCodes.invalidParams, rpcCodes.methodNotFound, -32002].includes(error.code)
  )
}

function unknownItem(method: string, params: Record<string, unknown> | undefined): Error {
  const what = method === 'tools/call' ? 'tool' : method === 'prompts/get' ? 'prompt' : undefined
  if (!what)
    return rpcError(rpcCodes.invalidParams, 'no server of this profile knows what was asked for')
  return rpcError(rpcCodes.invalidParams, `Unknown ${what}: ${JSON.stringify(params?.name)}`)
}
