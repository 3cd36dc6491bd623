import type { ProfileConfig } from '../config/resolved-config.ts'
import type { ProfileSummary } from '../gateway-events.ts'
import type { ServerCatalog } from './profiles/catalog.ts'
import { identityOf, type ProfileIdentity } from './profiles/identity.ts'
import { createProfileView, type ProfileView } from './profiles/profile-view.ts'
import { type ClientCall, refuse } from './relay/client-call.ts'
import { answerList, isList } from './relay/lists.ts'
import type { Relay } from './relay/relay.ts'
import { routesOf } from './relay/route.ts'
import { createProfileTap, type ProfileTap, type TrafficTap } from './traffic-tap.ts'
import type { Upstream } from './upstreams/upstream.ts'
import { isJsonObject } from './wire/message.ts'
import { type Era, rpcCodes } from './wire/protocol.ts'

/** With these, a server says that it has no such thing, and the next may have it. */
const notFoundCodes: ReadonlySet<unknown> = new Set([
  rpcCodes.invalidParams,
  rpcCodes.methodNotFound,
  rpcCodes.resourceNotFound,
])

/** A named selection of upstream tools with its own endpoint. */
export interface Profile {
  readonly config: ProfileConfig
  readonly tap: ProfileTap
  /** Replaces the configuration under the clients that are connected. */
  configure(config: ProfileConfig): void
  view(): ProfileView
  /** The same once every server had its moment to be seen. */
  seenView(): Promise<ProfileView>
  identity(era: Era): ProfileIdentity
  /** Computes the view anew after a catalog changed. */
  refresh(): void
  /** Whether it shows anything of that server. */
  includes(server: string): boolean
  /** Settles when every server of it was seen, or had its moment. */
  seen(): Promise<void>
  /** Answers one request. */
  handle(call: ClientCall): void
  /** The server that has a resource, and what it calls it. */
  ownerOfUri(uri: string): { upstream: Upstream; uri: string } | undefined
  /** What clients may call a server's resource. */
  namesOfUri(server: string, uri: string): string[]
  upstreams(): Upstream[]
  summary(url: string): ProfileSummary
}

export function createProfile(options: {
  config: ProfileConfig
  version: string
  upstream: (name: string) => Upstream | undefined
  relay: Relay
  tap: TrafficTap
}): Profile {
  const { relay, version } = options
  let { config } = options
  let view: ProfileView | undefined
  const upstreams = () => config.servers.flatMap((name) => options.upstream(name) ?? [])

  function catalogs(): ReadonlyMap<string, ServerCatalog> {
    return new Map(
      upstreams().flatMap((upstream): [string, ServerCatalog][] => {
        const catalog = upstream.catalog()
        return catalog ? [[upstream.name, catalog]] : []
      }),
    )
  }

  function currentView(): ProfileView {
    view ??= createProfileView(config, catalogs())
    return view
  }

  const identity = (era: Era) => identityOf(config, { catalogs: catalogs(), version, era })
  // Asked with every call.
  const isUnseen = () =>
    config.servers.some((name) => {
      const upstream = options.upstream(name)
      return upstream !== undefined && upstream.catalog() === undefined
    })
  async function seen(): Promise<void> {
    if (isUnseen()) await Promise.all(upstreams().map((upstream) => upstream.firstSight))
  }

  function route(call: ClientCall): void {
    const routes = routesOf(call, { view: currentView(), upstreams: upstreams() })
    const attempt = (index: number): void => {
      const next = routes[index]
      if (!next) return
      const { length } = routes
      const { tasks } = next.upstream
      const mayMakeTask = canMakeTask(call, next.upstream)
      const otherwise = (error: unknown) => {
        const code = isJsonObject(error) ? error.code : undefined
        if (index + 1 >= length || !notFoundCodes.has(code)) return false
        attempt(index + 1)
        return true
      }
      relay.forward(
        {
          ...next,
          ...(length > 1 && { otherwise }),
          ...(mayMakeTask && { observe: (result) => tasks.note(result, call.owner.taskOwner) }),
        },
        call,
      )
    }
    attempt(0)
  }

  function ownerOfUri(uri: string) {
    const [found] = currentView().serversOfUri(uri)
    const upstream = found && options.upstream(found.server)
    return upstream && { upstream, uri: found.uri }
  }

  return {
    get config() {
      return config
    },
    tap: createProfileTap(options.tap, config.name),
    configure(next) {
      config = next
      view = undefined
    },
    view: currentView,
    async seenView() {
      await seen()
      return currentView()
    },
    identity,
    refresh() {
      view = undefined
    },
    includes: (server) => config.servers.includes(server),
    seen,
    handle(call) {
      const answer = () => {
        if (!isList(call, upstreams())) return route(call)
        const { serverInfo } = identity(call.era)
        const listing = { view: currentView(), upstreams: upstreams(), relay, serverInfo }
        return answerList(call, listing)
      }
      const refuseBy = (error: unknown) => refuse(call, error)
      if (isUnseen()) return void seen().then(answer).catch(refuseBy)
      try {
        void answer()?.catch(refuseBy)
      } catch (error) {
        refuseBy(error)
      }
    },
    ownerOfUri,
    namesOfUri(server, uri) {
      const names = new Set([currentView().exposedUri(server, uri), uri])
      return [...names].filter((name) => ownerOfUri(name)?.upstream.name === server)
    },
    upstreams,
    summary(url) {
      const shown = currentView()
      return {
        name: config.name,
        url,
        tools: shown.tools.length,
        resources: shown.counts.resources,
        prompts: shown.counts.prompts,
        servers: upstreams().map((upstream) => {
          const { state, error } = upstream.status()
          return {
            name: upstream.name,
            state,
            tools: shown.tools.filter(({ server }) => server === upstream.name).length,
            ...(error !== undefined && { error }),
          }
        }),
        problems: [...shown.problems],
      }
    },
  }
}

/** 2025-11-25 asks for a task; in 2026-07-28 a server that has such things decides. */
function canMakeTask({ era, request }: ClientCall, upstream: Upstream): boolean {
  if (request.params?.task !== undefined) return true
  if (era === 'legacy' || request.method !== 'tools/call') return false
  const { extensions } = upstream.catalog()?.handshake.capabilities ?? {}
  return isJsonObject(extensions) && extensions['io.modelcontextprotocol/tasks'] !== undefined
}
